#!/usr/bin/env bash
# Hands the cluster's dynamic configuration to Patroni once there is a primary, and waits until every
# member has taken it over. Arguments: seconds to wait, then the members' REST addresses.
# Standard input: the REST password, then the configuration as one line of JSON.
set -euo pipefail
limit=$1
shift
read -r password
read -r settings

request() { curl --silent --show-error --fail --max-time 10 --config <(printf 'user = "patroni:%s"\n' "$password") "$@"; }
deadline=$((SECONDS + limit))
primary=""
until [ -n "$primary" ]; do
  for member in "$@"; do
    if curl --silent --fail --max-time 2 --output /dev/null "http://$member/primary"; then primary=$member; fi
  done
  if [ -z "$primary" ] && [ "$SECONDS" -ge "$deadline" ]; then
    echo "no Postgres primary within $limit s (asked $*): its log, docker service logs, says why" >&2
    exit 1
  fi
  [ -n "$primary" ] || sleep 0.5
done
printf '%s' "$settings" | request --request PATCH --data @- --output /dev/null "http://$primary/config"
