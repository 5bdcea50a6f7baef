#!/usr/bin/env bash
# Before this machine's Postgres gets another image: a standby waits until the others follow, the primary until all do,
# and it goes to another machine first. Stopped without that, it hands over too, only more slowly, so nothing in here is
# a reason to end the update.
# Arguments: the service, the machine's name, the image that the service is about to get, the file that tells Patroni's
# before_stop of a switchover, the program that asks for one, the port of Patroni's REST interface.
set -euo pipefail
service=$1 name=$2 image=$3 marker=$4 program=$5 port=$6

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

# The guards of the poolers hold queries once Patroni does not let itself be asked who is primary; what is open ends
# meanwhile, and nothing is under way when Postgres stops. Whoever does not end this has ended it after a minute: a port
# in the set expires.
hold_queries() {
  command -v nft >/dev/null || return 0
  nft -f - <<NFT || return 0
table inet trivet_handover
delete table inet trivet_handover
table inet trivet_handover {
  set refused { type inet_service; flags timeout; timeout 1m; elements = { $port } }
  chain input {
    type filter hook input priority -10
    tcp dport @refused ct state new reject with tcp reset
  }
}
NFT
  # Three rounds of a guard, and less than a router takes to give the primary up and cut off what is open.
  sleep 0.5
}
release_queries() { ! command -v nft >/dev/null || nft delete table inet trivet_handover 2>/dev/null || true; }

said=$(mktemp)
trap 'release_queries; rm -f "$said"' EXIT
is_connected() {
  local deadline=$((SECONDS + 15))
  until grep -q '^connected$' "$said"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}
answer=$({ is_connected && hold_queries; echo; } |
  timeout 75 docker exec -i "$container" python3 -c "$program" "$name" "" "$marker" 2>"$said") || true
release_queries
trap 'rm -f "$said"' EXIT
# Who got no answer, or one that Patroni is not sure of, looks for himself.
has_moved() {
  case $answer in
    200*) ;;
    "" | 5*) within 30 is_elsewhere ;;
    *) return 1 ;;
  esac
}
if has_moved; then
  within 30 follow_all || true
else
  echo "$name keeps the primary until it stops: Patroni did not switch over (${answer:-$(tail -n 1 "$said")})" >&2
fi
