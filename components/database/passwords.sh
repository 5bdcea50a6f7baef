#!/usr/bin/env bash
# Gives the platform's own roles their passwords, if this machine holds the primary: the data may be older than the
# passwords, after the stack was destroyed and made again. Over the local socket, which asks for no password.
# Waits for a standby that is just being cloned: a machine without data is not done.
# Arguments: the service, seconds to wait. Standard input: the passwords of superuser, replication and rewind.
set -euo pipefail
service=$1 limit=$2
read -r SUPERUSER
read -r REPLICATION
read -r REWIND
export SUPERUSER REPLICATION REWIND

container=""
find_container() {
  container=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service")
  container=${container%%$'\n'*}
  [ -n "$container" ]
}
query() { docker exec --interactive --env SUPERUSER --env REPLICATION --env REWIND "$container" psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username postgres "$@"; }
standby=""
until find_container && standby=$(query --tuples-only --no-align --command 'SELECT pg_is_in_recovery()' 2>&1 </dev/null); do
  if [ "$SECONDS" -ge "$limit" ]; then
    echo "Postgres on $(hostname) takes no connection within $limit s (${standby:-service $service has no running container}): a clone of a large database may need more (startSeconds); docker service logs $service says how far it is" >&2
    exit 1
  fi
  sleep 1
done
[ "$standby" = f ] || exit 0
query <<'SQL'
-- The passwords must not reach the server's log, whatever happens to the statements.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
\getenv superuser SUPERUSER
\getenv replication REPLICATION
\getenv rewind REWIND
SELECT format('ALTER ROLE %I PASSWORD %L', rolname, password) FROM pg_roles JOIN (VALUES ('postgres', :'superuser'), ('replicator', :'replication'), ('rewinder', :'rewind')) AS known (name, password) ON name = rolname \gexec
SQL
