#!/usr/bin/env bash
# Who is primary, as a server or a Sentinel asks before it starts; put in front of start.sh and start-sentinel.sh.
# /etc/trivet/members holds the own address, then the address of every machine with a server, one a line.
set -euo pipefail
{
  # shellcheck disable=SC2034 # for the scripts behind this one
  read -r own
  mapfile -t members
} </etc/trivet/members

is_member() {
  local address
  for address in "${members[@]}"; do
    if [ "$address" = "$1" ]; then return 0; fi
  done
  return 1
}

# ask ADDRESS PORT COMMAND…: what it answers; nothing if there is no answer within a second.
ask() {
  timeout 1 valkey-cli -h "$1" -p "$2" "${@:3}" </dev/null 2>/dev/null | tr -d '\r' || true
}

# The primary that the Sentinels name. Where they differ, the decision with the higher number is the later one.
named_by_sentinels() {
  local address answer named epoch newest=-1 primary=''
  for address in "${members[@]}"; do
    answer=$(ask "$address" 26379 sentinel primary trivet)
    named=$(sed -n '/^ip$/{n;p;q}' <<<"$answer")
    epoch=$(sed -n '/^config-epoch$/{n;p;q}' <<<"$answer")
    if is_member "$named" && [[ $epoch =~ ^[0-9]+$ ]] && [ "$epoch" -gt "$newest" ]; then
      newest=$epoch primary=$named
    fi
  done
  echo "$primary"
}

# A server that is primary right now; of several the one with most replicas.
found_running() {
  local address answer replicas most=-1 primary=''
  for address in "${members[@]}"; do
    answer=$(ask "$address" 6379 info replication)
    replicas=$(sed -n 's/^connected_slaves://p' <<<"$answer")
    if grep -qx role:master <<<"$answer" && [ "${replicas:-0}" -gt "$most" ]; then
      most=${replicas:-0} primary=$address
    fi
  done
  echo "$primary"
}

password_in() { sed -n 's/^requirepass "\(.*\)"$/\1/p' "$1"; }
