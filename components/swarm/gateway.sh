#!/usr/bin/env bash
# Creates the bridge over which containers reach their own machine, before Swarm would do it with a
# subnet of its own choice. Arguments: the subnet, the machine's address in it.
set -euo pipefail
subnet=$1 gateway=$2

subnet_of_bridge() { docker network inspect --format '{{(index .IPAM.Config 0).Subnet}}' docker_gwbridge 2>/dev/null; }
# What a Swarm that the machine has left leaves behind; Docker removes none that a container uses.
if found=$(subnet_of_bridge) && [ "$found" != "$subnet" ] && [ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = inactive ]; then
  docker network rm docker_gwbridge >/dev/null 2>&1 || true
fi
if found=$(subnet_of_bridge); then
  if [ "$found" != "$subnet" ]; then
    echo "$(hostname): docker_gwbridge has the subnet $found, the configuration says $subnet: set network.gatewaySubnet to $found, or remove the network while no service runs" >&2
    exit 1
  fi
  exit 0
fi
docker network create --driver bridge --subnet "$subnet" --gateway "$gateway" \
  --opt com.docker.network.bridge.name=docker_gwbridge \
  --opt com.docker.network.bridge.enable_icc=false \
  --opt com.docker.network.bridge.enable_ip_masquerade=true docker_gwbridge >/dev/null
