#!/usr/bin/env bash
# Starts a server as primary or as replica: as the Sentinels say; else as what it was; else it follows a running
# primary; else the first machine is primary. Runs in the container, behind primary.sh.
# shellcheck disable=SC2154 # own and members are primary.sh's
set -euo pipefail
umask 077
given=/etc/trivet/valkey.conf
data=/var/lib/valkey-data
# The server rewrites its own copy whenever a Sentinel gives it another role.
copy=$data/valkey.conf
REDISCLI_AUTH=$(password_in "$given")
export REDISCLI_AUTH

remembered() {
  if [ ! -e "$copy" ]; then return 0; fi
  local address
  address=$(sed -n 's/^replicaof \([^ ]*\) .*/\1/p' "$copy" | tail -n 1)
  echo "${address:-$own}"
}

choose() {
  local primary address
  if [ "${#members[@]}" -gt 1 ]; then
    primary=$(named_by_sentinels)
    # A machine that was made anew while the Sentinels still took it for the primary has no data, and all others
    # would copy that. As a replica it makes them elect one that has.
    if [ "$primary" = "$own" ] && [ ! -e "$copy" ] && [ ! -e "$data/appendonlydir" ]; then
      for address in "${members[@]}"; do
        if [ "$address" != "$own" ]; then primary=$address; fi
      done
    fi
    if [ -n "$primary" ]; then echo "$primary" && return; fi
  fi
  primary=$(remembered)
  if is_member "$primary"; then echo "$primary" && return; fi
  primary=$(found_running)
  echo "${primary:-${members[0]}}"
}

primary=$(choose)
echo "start.sh: $own starts with $primary as primary"
{
  cat "$given"
  if [ "$primary" != "$own" ]; then echo "replicaof $primary 6379"; fi
} >"$copy.new"
mv -f "$copy.new" "$copy"
unset REDISCLI_AUTH
exec valkey-server "$copy"
