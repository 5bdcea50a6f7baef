#!/usr/bin/env bash
# Starts Docker anew where it keeps a published port for an address that no container has: after a power cut while a
# container was being started, that survives the restart (moby/libnetwork#2448). Whoever is to publish the port fails then
# with "port is already allocated", and users meet "no route to host", until Docker is started once more.
# Runs after each start of Docker. Environment: STATE, folder that is empty after a restart of the machine.
set -euo pipefail
state=${STATE:-/run/trivet-stale-ports}
mkdir -p "$state"

# Where published ports lead to, and where containers are. In this order: a container has its address before its ports.
targets() { iptables --wait --table nat --list-rules DOCKER 2>/dev/null | sed -n 's/.*--to-destination \([0-9.]*\):.*/\1/p' | sort -u; }
addresses() { docker network ls --quiet --filter driver=bridge | xargs docker network inspect --format '{{range .Containers}}{{.IPv4Address}} {{end}}' | tr ' ' '\n' | sed 's|/.*||' | sort -u; }

before=""
for _ in $(seq 20); do
  targets=$(targets) && addresses=$(addresses) || exit 0
  stale=$(comm -23 <(echo "$targets") <(echo "$addresses") | paste -sd' ')
  # Twice in a row: a container may just have ended.
  if [ -n "$stale" ] && [ "$stale" = "$before" ]; then
    times=$(cat "$state/times" 2>/dev/null || echo 0)
    if ((times == 3)); then
      echo "published ports still lead to $stale, where no container is, after $times starts: docker ps, iptables -t nat -S DOCKER" >&2
      exit 1
    fi
    echo $((times + 1)) >"$state/times"
    echo "published ports lead to $stale, where no container is: starting Docker anew" >&2
    exec systemctl --no-block restart docker.service
  fi
  before=$stale
  sleep 3
done
