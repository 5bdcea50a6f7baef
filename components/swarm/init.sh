#!/usr/bin/env bash
# Starts the Swarm on this machine, or finds that it is in one. Prints the manager token, the worker token, and the
# Swarm's identity. Arguments: the machine's name, private address, address pool, private addresses of all managers.
set -euo pipefail
name=$1 address=$2 pool=$3
shift 3

# Pending while a machine that just started looks for the others.
for _ in $(seq 1 180); do
  state=$(docker info --format '{{.Swarm.LocalNodeState}}')
  [ "$state" = pending ] || break
  sleep 1
done
case $state in
  active) ;;
  inactive)
    for other in "$@"; do
      [ "$other" != "$address" ] || continue
      if timeout 2 bash -c "</dev/tcp/$other/2377" 2>/dev/null; then
        echo "$(hostname): is in no Swarm, but $other manages one. If that is this platform's and this machine lost its data, put another machine first in the configuration, or replace this one (new address or host key); only if nothing there is needed: docker swarm leave --force there" >&2
        exit 1
      fi
    done
    docker swarm init --advertise-addr "$address" --listen-addr "$address:2377" \
      --data-path-addr "$address" --default-addr-pool "$pool" --task-history-limit 2 >/dev/null
    # By its label it is known as a platform's from then on, also if this update is cut off here: the next one takes no Swarm
    # without one. Best effort: nodes.sh gives it to every machine.
    docker node update --label-add "trivet.machine=$name" self >/dev/null || true
    ;;
  *)
    echo "$(hostname): its Swarm is locked or half-joined: see docker info; docker swarm leave --force removes it" >&2
    exit 1
    ;;
esac
# A machine that just started has to find the others' leader first. Each try may take 20 s by itself.
deadline=$((SECONDS + 180)) said=""
for _ in $(seq 1 180); do
  if said=$(docker swarm join-token --quiet manager 2>&1); then break; fi
  case $said in *leader* | *"context deadline"* | *unavailable* | *Unavailable*) sleep 1 ;; *) break ;; esac
  if ((SECONDS >= deadline)); then break; fi
done
docker swarm join-token --quiet manager || {
  case $said in
    *leader* | *"context deadline"*)
      echo "$(hostname): the managers of its Swarm have had no leader for minutes: start those that are down (docker node ls names them once most are up), then run the update again" >&2
      exit 1
      ;;
  esac
  echo "$(hostname): does not manage its Swarm: see docker node ls; docker swarm leave --force there, if nothing needs what it belongs to" >&2
  exit 1
}
docker swarm join-token --quiet worker
# Three missed ones and the tasks of a machine are started elsewhere, six where Swarm's leader is lost with it, after an
# election of 10 to 20 s: with Docker's 5 s that was 63 s in one of ten losses.
if [ "$(docker info --format '{{.Swarm.Cluster.Spec.Dispatcher.HeartbeatPeriod}}')" != 4s ]; then
  docker swarm update --dispatcher-heartbeat 4s >/dev/null
fi
docker info --format '{{.Swarm.Cluster.ID}}'
