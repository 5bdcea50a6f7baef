#!/usr/bin/env bash
# Removes things of the Swarm, services first. A service is gone only once its last container is: another one of that
# name would share its volume. Arguments: kind:identity…
set -euo pipefail

services=()
for word in "$@"; do
  case $word in service:*) services+=("${word#*:}") ;; esac
done
for id in "${services[@]}"; do docker service update --detach --replicas 0 "$id" >/dev/null; done
for id in "${services[@]}"; do
  until [ -z "$(docker service ps --quiet --filter desired-state=running "$id")" ] &&
    ! docker service ps --format '{{.CurrentState}}' "$id" | grep -qE '^(New|Pending|Assigned|Accepted|Preparing|Ready|Starting|Running) '; do
    sleep 0.5
  done
  docker service rm "$id" >/dev/null
done
for word in "$@"; do
  case $word in
    network:*) docker network rm "${word#*:}" >/dev/null ;;
    secret:*) docker secret rm "${word#*:}" >/dev/null ;;
  esac
done
