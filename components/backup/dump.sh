#!/usr/bin/env bash
# Dumps one database, if this machine's Postgres is the primary; started by a timer, or by hand. Dumps lie in one
# folder by their time. There last.json tells of the last run and good.json of the last one that left a dump, so that
# somebody can see when no dump has been made for long.
# Arguments: folder, machine, service of Postgres, database, days that a dump is kept, Patroni's REST address here,
# those of the other members separated by commas, seconds to wait for a primary.
# With a copy on a second machine also: user@address, port, folder there.
set -euo pipefail
umask 077
folder=$1 machine=$2 service=$3 database=$4 keep_days=$5 own=$6 others=$7 wait=$8
copy_to=${9:-} copy_port=${10:-} copy_folder=${11:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
name=$database-${started//[-:]/}.dump
pattern="$database-????????T??????Z.dump"
old=$((keep_days * 1440))
bytes=0 file=null copied=null problem="stopped before its end: journalctl -u trivet-dump"
talk=$(mktemp)

say() { printf '%s: %s\n' "$machine" "$*"; }
fail() {
  problem=$*
  exit 1
}
# The last lines that a program has left, as one.
last_words() { tail -n "${1:-1}" "$talk" | paste -sd ' '; }

# Plain ASCII without what JSON would want escaped: a status that cannot be read would hide a failure.
as_json() { printf '"%s"' "$(tr -c '\40-\176' ' ' <<< "$1" | tr '\\"' "/'" | sed 's/ *$//')"; }
write_status() {
  printf '{"started":"%s","finished":"%s","file":%s,"bytes":%s,"copied":%s,"error":%s}\n' "$started" \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$file" "$bytes" "$copied" "$2" > "$folder/.$1.new"
  sync "$folder/.$1.new"
  mv -f "$folder/.$1.new" "$folder/$1"
}

finish() {
  local code=$? error=null
  trap - EXIT
  rm -f "$talk" "$folder/$name.part"
  if [ -n "$problem" ]; then
    say "FAILED: $problem" >&2
    if [ "$code" = 0 ]; then code=1; fi
    error=$(as_json "$problem")
  fi
  if [ "$file" != null ]; then write_status good.json "$error"; fi
  write_status last.json "$error"
  exit "$code"
}

# A failover may be under way, or the machine may just have booted.
find_primary() {
  local member deadline=$((SECONDS + wait))
  while true; do
    for member in "$own" ${others//,/ }; do
      if curl --silent --fail --max-time 2 --output /dev/null "http://$member/primary"; then
        primary=$member
        return 0
      fi
    done
    if ((SECONDS >= deadline)); then fail "no member of Postgres answers as the primary within $wait s (asked $own${others:+,$others})"; fi
    sleep 5
  done
}

# As much as the last dump and a fifth more; of the first one it is known that it is compressed.
check_space() {
  local newest needed reason="the last dump and a fifth more"
  newest=$(find "$folder" -maxdepth 1 -type f -name "$pattern" | sort | tail -n 1)
  if [ -n "$newest" ]; then
    needed=$(($(stat -c %s "$newest") * 12 / 10))
  else
    reason="half the database"
    needed=$(docker exec "$container" psql --username postgres --no-psqlrc -Atc 'SELECT pg_database_size(current_database()) / 2' "$database" 2> "$talk") ||
      fail "Postgres does not say how large the database is: $(last_words)"
  fi
  free=$(df --output=avail -B 1 "$folder" | tail -n 1 | tr -dc 0-9)
  if ((free < needed)); then
    fail "too little disk: $((free / 1048576)) MiB free at $folder, $((needed / 1048576 + 1)) MiB needed ($reason): remove dumps there or enlarge the disk"
  fi
}

make_dump() {
  container=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service")
  container=${container%%$'\n'*}
  [ -n "$container" ] || fail "service $service has no running container"
  check_space
  find "$folder" -maxdepth 1 -type f -name "$pattern.part" -delete
  # Over the container's socket: the pooler's transactions would break the snapshot. A dump that grows beyond what is
  # expected stops before it fills the disk, on which Postgres may live too.
  if ! (ulimit -f $((free * 9 / 10 / 1024)) && docker exec "$container" nice pg_dump --username postgres --no-password --format custom --lock-wait-timeout 600000 "$database" 2> "$talk" | cat > "$folder/$name.part"); then
    fail "pg_dump: $(last_words 2) (its dump has been removed)"
  fi
  [ -s "$folder/$name.part" ] || fail "pg_dump wrote nothing"
  # Reads every block: the table of contents stands at the start, so that a look at it alone would pass half a file.
  docker exec --interactive "$container" nice pg_restore --file /dev/null < "$folder/$name.part" 2> "$talk" ||
    fail "pg_restore cannot read the dump: $(last_words) (it has been removed)"
  sync "$folder/$name.part"
  mv "$folder/$name.part" "$folder/$name"
  sync "$folder"
  file="\"$name\"" bytes=$(stat -c %s "$folder/$name")
  say "dumped $database: $folder/$name, $bytes bytes"
  find "$folder" -maxdepth 1 -type f -name "$pattern" ! -name "$name" -mmin "+$old" -delete
}

# There it is called .part until its checksum has been compared.
copy_dump() {
  local sum
  copied=false
  command -v ssh > /dev/null || fail "copy to $copy_to: ssh is not installed: apt-get install openssh-client"
  sum=$(sha256sum < "$folder/$name")
  ssh -F none -p "$copy_port" -i "$here/key" -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=yes \
    -o "UserKnownHostsFile=$here/known_hosts" -o GlobalKnownHostsFile=/dev/null -o ConnectTimeout=15 \
    -o ServerAliveInterval=15 -o LogLevel=ERROR "$copy_to" "set -eu; umask 077; mkdir -p $copy_folder; cd $copy_folder
      trap 'rm -f $name.part' EXIT
      cat > $name.part
      [ \"\$(sha256sum < $name.part)\" = '$sum' ] || { echo 'the checksum of what arrived differs' >&2; exit 1; }
      sync $name.part
      mv $name.part $name
      find . -maxdepth 1 -type f -name '$pattern' ! -name $name -mmin +$old -exec rm -f {} +" \
    < "$folder/$name" > "$talk" 2>&1 || fail "copy to $copy_to, port $copy_port: $(last_words) (the dump itself lies in $folder)"
  copied=true
  say "copied to $copy_to:$copy_folder/$name"
}

install -d -m 0700 "$folder"
trap finish EXIT
trap 'exit 143' HUP INT TERM
find_primary
if [ "$primary" != "$own" ]; then
  trap 'rm -f "$talk"' EXIT
  say "is a standby: the primary, $primary, dumps"
  exit 0
fi
exec 9> "$folder/.lock"
flock --wait 600 9 || fail "a restore has been running for ten minutes"
make_dump
if [ -n "$copy_to" ]; then copy_dump; fi
problem=""
