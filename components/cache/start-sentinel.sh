#!/usr/bin/env bash
# Starts a Sentinel with the settings that it is given and with what it had learned before. Runs in the container,
# behind primary.sh.
# shellcheck disable=SC2154 # own and members are primary.sh's
set -euo pipefail
umask 077
given=/etc/trivet/sentinel.conf
# The Sentinel writes all that it learns into its own copy.
copy=/var/lib/valkey-data/sentinel.conf
REDISCLI_AUTH=$(password_in "$given")
export REDISCLI_AUTH

choose() {
  local primary
  primary=$(sed -n 's/^sentinel monitor trivet \([^ ]*\) .*/\1/p' "$copy" 2>/dev/null || true)
  if is_member "$primary"; then echo "$primary" && return; fi
  primary=$(named_by_sentinels)
  if [ -z "$primary" ]; then primary=$(found_running); fi
  echo "${primary:-${members[0]}}"
}

# Votes and elections; of servers and Sentinels, those that are still there.
learned() {
  if [ ! -e "$copy" ]; then return 0; fi
  local line word key address
  while read -r line; do
    read -r word key _ address _ <<<"$line"
    case "$word $key" in
      "sentinel "*-epoch) echo "$line" ;;
      "sentinel known-"*) if is_member "$address"; then echo "$line"; fi ;;
    esac
  done <"$copy"
}

primary=$(choose)
echo "start-sentinel.sh: $own starts with $primary as primary"
{
  sed "s/^sentinel monitor trivet [^ ]* /sentinel monitor trivet $primary /" "$given"
  learned
} >"$copy.new"
mv -f "$copy.new" "$copy"
unset REDISCLI_AUTH
exec valkey-server "$copy" --sentinel
