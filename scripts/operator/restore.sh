#!/usr/bin/env bash
# Puts a dump in the place of a running database. It is read into a new database first, which then takes over the
# name; the database as it was is kept under another name. Until that moment nothing of it is touched.
# Arguments: folder of dumps, machine, service of Postgres, database, file, whether the file goes afterwards (true or
# false), time for the names, owners (dump: as the dump has them; role: all to the application's role).
folder=$1 machine=$2 service=$3 database=$4 file=$5 temporary=$6 stamp=$7 owners=$8
scratch=${database:0:38}_restore_$stamp before=${database:0:38}_before_$stamp
# Postgres needs some disk for itself, or it stops.
reserve=$((256 * 1048576))
made=no watcher=""
talk=$(mktemp)

say() { printf '%s: %s\n' "$machine" "$*" >&2; }
fail() {
  say "$*: the database $database is as it was"
  exit 1
}
last_words() { grep -v '^Command was:' "$talk" | tail -n 2 | paste -sd ' '; }
query() {
  docker exec --interactive "$container" psql --no-psqlrc --quiet --tuples-only --no-align --username postgres \
    --set ON_ERROR_STOP=1 --set database="$database" --set scratch="$scratch" --set before="$before" "$@" 2> "$talk"
}
free_space() { docker exec "$container" df --output=avail -B 1 /var/lib/postgresql/data | tail -n 1 | tr -dc 0-9; }

finish() {
  local code=$?
  trap - EXIT
  if [ -n "$watcher" ]; then kill "$watcher" 2> /dev/null || true; fi
  if [ "$made" = yes ]; then drop_scratch || true; fi
  if [ "$temporary" = true ]; then rm -f "$file"; fi
  rm -f "$talk"
  exit "$code"
}
trap finish EXIT
trap 'exit 143' HUP INT TERM

# Also what a run has left that was ended by a power cut.
drop_scratch() {
  query postgres << 'SQL'
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
  WHERE datname ~ ('^' || left(:'database', 38) || '_restore_[0-9]{8}_[0-9]{6}$') \gexec
SQL
}

check_file() {
  local size free needed
  [ -s "$file" ] || fail "$file is missing or empty"
  size=$(stat -c %s "$file") free=$(free_space)
  needed=$((size * 5 + reserve))
  if ((free < needed)); then
    fail "too little disk: $((free / 1048576)) MiB free, $((needed / 1048576)) MiB needed to hold this dump beside the database (five times its size)"
  fi
  docker exec --interactive "$container" pg_restore --list < "$file" > /dev/null 2> "$talk" ||
    fail "the file is no dump that pg_restore can read ($(last_words))"
}

watch_space() {
  while sleep 2; do
    if (($(free_space) < reserve)); then
      query postgres <<< "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :'scratch'" > /dev/null
    fi
  done
}

fill_scratch() {
  local role options=(--username postgres --exit-on-error --dbname "$scratch")
  role=$(query postgres <<< "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = :'database'")
  [ -n "$role" ] || fail "there is no database $database ($(last_words))"
  drop_scratch || fail "what an earlier restore has left cannot be dropped ($(last_words))"
  made=yes
  query --set role="$role" postgres <<< 'CREATE DATABASE :"scratch" OWNER :"role" TEMPLATE template0' ||
    fail "cannot make a new database ($(last_words))"
  if [ "$owners" = role ]; then options+=(--no-owner --role "$role"); fi
  watch_space 9>&- &
  watcher=$!
  docker exec --interactive "$container" pg_restore "${options[@]}" < "$file" > /dev/null 2> "$talk" ||
    fail "the dump cannot be restored ($(last_words))"
  kill "$watcher" 2> /dev/null || true
  watcher=""
}

# Settings and rights that belong to the database itself; without statistics the first queries would be slow.
complete_scratch() {
  local name="\"?$database\"?" pg_dump=(docker exec "$container" pg_dump --username postgres --create --schema-only)
  # A reader that left early would end the program with an error.
  "${pg_dump[@]}" "$database" 2> "$talk" > "$talk.sql" || fail "cannot read the database's settings ($(last_words))"
  grep -E "^(ALTER DATABASE $name SET|ALTER ROLE .* IN DATABASE $name SET|(GRANT|REVOKE) .* ON DATABASE $name (TO|FROM)) " "$talk.sql" |
    sed -E "s/ DATABASE $name / DATABASE $scratch /" > "$talk.own" || true
  query postgres < "$talk.own" > /dev/null || fail "cannot give the new database its settings ($(last_words))"
  rm -f "$talk.sql" "$talk.own"
  query "$scratch" <<< 'ANALYZE' || fail "cannot analyse the new database ($(last_words))"
}

# Renaming takes a lock that keeps new connections waiting, and waits 5 s itself for those that are there to end; so
# they are ended from another session meanwhile. Both names change in one transaction, or none.
swap() {
  local ender
  query --set oid="$(query postgres <<< "SELECT oid FROM pg_database WHERE datname = :'database'")" postgres > /dev/null << 'SQL' &
SELECT set_config('trivet.oid', :'oid', false), set_config('trivet.name', :'database', false);
DO $$
DECLARE turns int := 0;
BEGIN
  WHILE turns < 200 AND EXISTS (SELECT FROM pg_database WHERE oid = current_setting('trivet.oid')::oid AND datname = current_setting('trivet.name')) LOOP
    PERFORM pg_stat_clear_snapshot();
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datid = current_setting('trivet.oid')::oid;
    PERFORM pg_sleep(0.05);
    turns := turns + 1;
  END LOOP;
END $$;
SQL
  ender=$!
  query postgres << 'SQL' || return 1
BEGIN;
ALTER DATABASE :"database" RENAME TO :"before";
ALTER DATABASE :"scratch" RENAME TO :"database";
COMMIT;
SQL
  made=no
  wait "$ender" || true
}

container=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service" | head -n 1)
[ -n "$container" ] || fail "service $service has no running container"
exec 9> "$folder/.lock"
flock --nonblock 9 || fail "a dump or another restore is running: try again when it has ended"
[ "$(query postgres <<< 'SELECT pg_is_in_recovery()')" = f ] || fail "its Postgres is not the primary any more"
check_file
say "reading the dump into a new database"
fill_scratch
complete_scratch
say "changing over"
swap || fail "the databases could not change their names ($(last_words))"
printf '%s\n' "$before"
