#!/usr/bin/env bash
# Removes things of the Swarm, services first. A service is gone only once its last container is: another one of that
# name would share its volume. What is gone already, or goes meanwhile, is as it should be: an update that was killed may
# still be at it. A secret that something uses stays, and is told. Arguments: kind:identity…
set -euo pipefail

# there KIND ID: false only where Docker says that there is none.
there() {
  local said
  said=$(docker "$1" inspect "$2" 2>&1 >/dev/null) || [[ ! $said =~ ([Nn]ot found|[Nn]o such) ]]
}

# remove KIND ID
remove() {
  local said
  if said=$(docker "$1" rm "$2" 2>&1) || ! there "$1" "$2"; then return; fi
  if [ "$1" = secret ] && [[ $said == *'in use'* ]]; then
    echo "secret $2"
  else
    echo "$said" >&2
    return 1
  fi
}

services=()
for word in "$@"; do
  case $word in service:*) services+=("${word#*:}") ;; esac
done
for id in "${services[@]}"; do
  docker service update --detach --replicas 0 "$id" >/dev/null || if there service "$id"; then exit 1; fi
done
for id in "${services[@]}"; do
  until [ -z "$(docker service ps --quiet --filter desired-state=running "$id")" ] &&
    ! docker service ps --format '{{.CurrentState}}' "$id" | grep -qE '^(New|Pending|Assigned|Accepted|Preparing|Ready|Starting|Running) '; do
    sleep 0.5
  done
  remove service "$id"
done
for word in "$@"; do
  case $word in
    network:* | secret:*) remove "${word%%:*}" "${word#*:}" ;;
  esac
done
