#!/usr/bin/env bash
# Makes this machine the first manager of a Swarm, or finds that it is one already.
# Arguments: private address, address pool. Prints the join tokens, manager first.
set -euo pipefail
address=$1 pool=$2

case "$(docker info --format '{{.Swarm.LocalNodeState}}')" in
  active) ;;
  inactive)
    docker swarm init --advertise-addr "$address" --listen-addr "$address:2377" \
      --data-path-addr "$address" --default-addr-pool "$pool" --task-history-limit 2 >/dev/null
    ;;
  *)
    echo "$(hostname): its Swarm is locked or half-joined: see docker info; docker swarm leave --force removes it" >&2
    exit 1
    ;;
esac
docker swarm join-token --quiet manager
docker swarm join-token --quiet worker
