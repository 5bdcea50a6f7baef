#!/usr/bin/env bash
# Makes the application's role and database, or brings them to what is asked for. Nothing is dropped.
# Arguments: service whose container has psql, role, database, seconds to wait for a primary, the members' REST addresses.
# Standard input: the superuser's password, then the role's. Runs behind primary.sh.
set -euo pipefail
service=$1 role=$2 database=$3 limit=$4
shift 4
read -r PGPASSWORD
read -r ROLE_PASSWORD
export PGPASSWORD ROLE_PASSWORD

container=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service")
container=${container%%$'\n'*}
[ -n "$container" ] || { echo "service $service has no running container on $(hostname)" >&2; exit 1; }
# Asked of all members, libpq stops at a standby that has not replayed a new password yet.
primary=$(primary_of "$limit" "$@") || exit 1
docker exec --interactive --env PGPASSWORD --env ROLE_PASSWORD "$container" \
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set role="$role" --set database="$database" \
  "host=${primary%:*} port=5432 user=postgres dbname=postgres target_session_attrs=read-write connect_timeout=5" <<'SQL'
-- The password must not reach the server's log, whatever happens to the statement.
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
\getenv password ROLE_PASSWORD
SELECT format('CREATE ROLE %I LOGIN', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT ALL ON DATABASE :"database" TO :"role";
SQL
