#!/usr/bin/env bash
# Before this machine's Postgres gets another image: a standby waits until the others follow, the primary until all do,
# and it goes to another machine first. Stopped without that, it hands over too, only more slowly, so nothing in here is
# a reason to end the update.
# Arguments: the service, the machine's name, the image that the service is about to get, the file that tells Patroni's
# before_stop of a switchover.
set -euo pipefail
service=$1 name=$2 image=$3 marker=$4

container=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service")
container=${container%%$'\n'*}
[ -n "$container" ] || exit 0
[ "$(docker inspect --format '{{.Image}}' "$container")" != "$image" ] || exit 0

# No command may hold the update up for ever.
briefly() { timeout "${limit:-15}" docker exec "$container" "$@" </dev/null; }
# Member, role and state of each; a line of why a restart is due has fewer fields.
members() { briefly patronictl -c /etc/trivet/patroni.yml list --format tsv 2>/dev/null | awk -F '\t' 'NR > 1 && NF > 4 { print $2 "," $4 "," $5 }'; }
has_answer() { known=$(members) && [ -n "$known" ]; }
is_elsewhere() { known=$(members) && grep ',Leader,running$' <<<"$known" | grep -qv "^$name,"; }
# Who was updated just before may not follow yet, and a commit waits for one that does.
follow_all() { known=$(members) && grep -q 'Standby,streaming$' <<<"$known" && follow_others; }
follow_others() { ! grep -v "^$name," <<<"$known" | grep -qEv ',Leader,running$|Standby,streaming$'; }
others_follow() { known=$(members) && [ -n "$known" ] && follow_others; }

within 5 has_answer || exit 0
grep -q "^$name,Leader,running$" <<<"$known" || {
  within 60 others_follow || echo "$name gets another image although another standby does not follow the primary" >&2
  exit 0
}
within 60 follow_all || {
  echo "$name keeps the primary until it stops: not every standby follows it" >&2
  exit 0
}
# Written out now instead of while queries wait.
limit=300 briefly psql --no-psqlrc --quiet --username postgres --command 'SET statement_timeout = 0' --command CHECKPOINT || true
echo "$name gets another image: the primary goes to another machine first" >&2
briefly touch "$marker" || exit 0
if limit=60 briefly patronictl -c /etc/trivet/patroni.yml switchover --leader "$name" --force >&2 && within 30 is_elsewhere; then
  within 30 follow_all || true
else
  echo "$name keeps the primary until it stops: Patroni did not switch over" >&2
  # What comes now is no switchover.
  briefly rm -f "$marker" || true
fi
