#!/usr/bin/env bash
# Gives a running Valkey the settings of its file that it takes without a restart. A server that does not know the
# file's password is restarted. Argument: the service.
set -euo pipefail
service=$1

for id in $(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service"); do
  docker exec --interactive "$id" bash -s <<'INSIDE' || docker kill --signal TERM "$id" >/dev/null
set -euo pipefail
value() { sed -n "s/^$1 \"\{0,1\}\(.*[^\"]\)\"\{0,1\}$/\1/p" /etc/trivet/valkey.conf; }
REDISCLI_AUTH=$(value requirepass)
export REDISCLI_AUTH
for key in maxmemory maxmemory-policy tcp-keepalive maxclients loglevel; do
  valkey-cli -e -h 127.0.0.1 config set "$key" "$(value "$key")" >/dev/null
done
INSIDE
done
