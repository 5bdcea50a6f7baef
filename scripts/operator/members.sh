#!/usr/bin/env bash
# Prints a line for each member of etcd (voter or learner), and one for each server of the cache: its part, and how many
# replicas follow it. Nothing of what does not answer.
# Arguments: names of the core machines, --, their private addresses.
names=()
while [ "$1" != -- ]; do
  names+=("$1")
  shift
done
shift

# This machine's container of a service with one on each machine.
container_of() {
  local name id
  for name in "${names[@]}"; do
    id=$(docker ps -q --filter "label=com.docker.swarm.service.name=$1-$name" | head -n 1)
    [ -z "$id" ] || break
  done
  echo "$id"
}

etcd=$(container_of etcd)
[ -z "$etcd" ] || docker exec "$etcd" etcdctl --cacert /etc/trivet/authority.pem --cert /etc/trivet/member.pem \
  --key /etc/trivet/member-key.pem --endpoints https://127.0.0.1:2379 --command-timeout 4s member list </dev/null 2>/dev/null |
  sed 's/, /,/g' | awk -F, '{ print "etcd", ($2 == "started" && $6 == "false") ? "voter" : "learner" }' || true

valkey=$(container_of valkey)
[ -z "$valkey" ] || docker exec -i "$valkey" bash -s -- "$@" 2>/dev/null <<'INSIDE' || true
REDISCLI_AUTH=$(sed -n 's/^requirepass "\(.*\)"$/\1/p' /etc/trivet/valkey.conf)
export REDISCLI_AUTH
for address in "$@"; do
  timeout 2 valkey-cli -h "$address" -p 6379 info replication </dev/null | tr -d '\r' | awk -F: '
    $1 == "role" { role = $2 }
    $1 ~ /^slave[0-9]+$/ && /state=online/ { online++ }
    END { if (role != "") print "valkey", role, online + 0 }'
done
INSIDE
