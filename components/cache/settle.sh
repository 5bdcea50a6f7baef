#!/usr/bin/env bash
# Waits until one server is primary, all others replicate it and every Sentinel knows all that. Only then is a write
# taken by a primary that has a replica: set earlier, that would stop the writes of a platform that is growing.
# Arguments: service whose container has the tools, seconds to wait, addresses of the servers.
set -euo pipefail
service=$1
shift
container=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service")
container=${container%%$'\n'*}
[ -n "$container" ] || { echo "service $service has no running container on $(hostname)" >&2; exit 1; }
docker exec --interactive "$container" bash -s -- "$@" <<'INSIDE'
set -euo pipefail
deadline=$((SECONDS + $1))
shift
# Even where the others are out of reach: a router leads to no primary without a replica.
others=$(($# > 1 ? $# - 1 : 1))
value() { sed -n "s/^$1 \"\{0,1\}\(.*[^\"]\)\"\{0,1\}$/\1/p" /etc/trivet/valkey.conf; }
REDISCLI_AUTH=$(value requirepass)
export REDISCLI_AUTH
ask() { timeout 2 valkey-cli -h "$1" -p "$2" "${@:3}" </dev/null 2>/dev/null | tr -d '\r' || true; }
field() { sed -n "/^$1\$/{n;p;q}" <<<"$answer"; }

# What is not yet as it has to be; nothing once all is.
missing() {
  local address answer primary='' attached=0
  for address in "$@"; do
    answer=$(ask "$address" 6379 info replication)
    [ -n "$answer" ] || { echo "$address does not answer" && return; }
    grep -qx role:master <<<"$answer" || continue
    [ -z "$primary" ] || { echo "$primary and $address both are primary" && return; }
    primary=$address
    attached=$(grep -cE '^slave[0-9]+:.*,state=online,' <<<"$answer" || true)
  done
  [ -n "$primary" ] || { echo "no server is primary" && return; }
  [ "$attached" -ge "$others" ] || { echo "$attached of $others servers replicate $primary" && return; }
  for address in "$@"; do
    answer=$(ask "$address" 26379 sentinel primary trivet)
    [ -n "$answer" ] || { echo "the Sentinel of $address does not answer" && return; }
    [ "$(field ip)" = "$primary" ] || { echo "the Sentinel of $address takes '$(field ip)' for the primary, not $primary" && return; }
    [ "$(field num-slaves)" -ge "$others" ] || { echo "the Sentinel of $address knows $(field num-slaves) of $others replicas" && return; }
    [ "$(field num-other-sentinels)" -ge "$others" ] || { echo "the Sentinel of $address knows $(field num-other-sentinels) of $others others" && return; }
  done
}

while reason=$(missing "$@") && [ -n "$reason" ]; do
  [ "$SECONDS" -lt "$deadline" ] || { echo "Valkey: $reason" >&2; exit 1; }
  sleep 1
done
for address in "$@"; do
  for key in min-replicas-max-lag min-replicas-to-write; do
    valkey-cli -e -h "$address" config set "$key" "$(value "$key")" </dev/null >/dev/null
  done
done
INSIDE
