#!/usr/bin/env bash
# Hands the cluster's dynamic configuration to Patroni once there is a primary, then restarts Postgres where a parameter
# needs that: standbys first, the primary last. Arguments: seconds to wait, then the members' REST addresses.
# Standard input: the REST password, then the configuration as one line of JSON. Runs behind primary.sh.
set -euo pipefail
limit=$1
shift
read -r password
read -r settings

request() { curl --silent --show-error --fail --max-time 60 --config <(printf 'user = "patroni:%s"\n' "$password") --output /dev/null "$@"; }
needs_restart() { curl --silent --max-time 2 "http://$1/patroni" | grep '"pending_restart": *true' >/dev/null; }

primary=$(primary_of "$limit" "$@") || exit 1

# Replaced as a whole: a parameter that is no longer given goes back to its default.
printf '%s' "$settings" | request --request PUT --data @- "http://$primary/config"

# Members take it over at their next look; only then do they know what has to be restarted.
sleep 7
standbys=()
for member in "$@"; do
  [ "$member" = "$primary" ] || standbys+=("$member")
done
for member in "${standbys[@]}" "$primary"; do
  if needs_restart "$member"; then
    request --request POST --data '{"restart_pending": true, "timeout": 50}' "http://$member/restart"
  fi
done
