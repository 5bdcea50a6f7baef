#!/usr/bin/env bash
# Gives a Swarm node the label that pins services to it. Arguments: its private address, its name.
set -euo pipefail
address=$1 name=$2
for _ in $(seq 1 30); do
  for node in $(docker node ls --quiet); do
    if [ "$(docker node inspect --format '{{.Status.Addr}}' "$node")" = "$address" ]; then
      docker node update --label-add "trivet.machine=$name" "$node" >/dev/null
      exit 0
    fi
  done
  sleep 1
done
echo "machine $name ($address) did not appear among the Swarm's nodes within 30 s: docker node ls" >&2
exit 1
