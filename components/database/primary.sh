#!/usr/bin/env bash
# Finds the primary, for scripts that stand behind this one.

is_primary() { curl --silent --fail --max-time 2 --output /dev/null "http://$1/primary"; }

# Prints the REST address of the member that leads, as soon as one does. Arguments: seconds to wait, REST addresses.
primary_of() {
  local limit=$1 member deadline
  shift
  deadline=$((SECONDS + limit))
  while :; do
    for member in "$@"; do
      if is_primary "$member"; then echo "$member" && return 0; fi
    done
    if [ "$SECONDS" -ge "$deadline" ]; then break; fi
    sleep 0.5
  done
  echo "no Postgres primary within $limit s (asked $*): its log, docker service logs, says why" >&2
  return 1
}
