#!/usr/bin/env bash
# A machine that leaves the platform while it runs hands over what it leads and stops its services, before the others'
# firewalls shut it out: a primary or a Swarm leader that the rest cannot reach would hold up everything behind it.
# Runs on a machine that stays. Arguments: the services of its own members of etcd and of Patroni, then the private
# addresses of all machines that stay or come.
set -euo pipefail
etcd=$1 postgres=$2
shift 2
staying=" $* "

# Not yet a machine of the platform.
command -v docker >/dev/null || exit 0
[ "$(docker info --format '{{.Swarm.ControlAvailable}}' 2>/dev/null)" = true ] || exit 0

nodes() { docker node ls --quiet | xargs docker node inspect --format '{{.ID}} {{if .ManagerStatus}}{{index (split .ManagerStatus.Addr ":") 0}}{{else}}{{.Status.Addr}}{{end}} {{.Status.State}} {{.Spec.Role}} {{or (index .Spec.Labels "trivet.machine") "-"}}'; }
leaving() {
  local node address state role label
  nodes | while read -r node address state role label; do
    case $label$state$staying in -* | *down* | *" $address "*) continue ;; esac
    echo "$node $address $role $label"
  done
}
inside() {
  local service=$1 container
  shift
  container=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service" | head -n 1)
  [ -n "$container" ] || return 1
  docker exec "$container" "$@" </dev/null
}
ask_etcd() { inside "$etcd" etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/trivet/authority.pem --cert /etc/trivet/member.pem --key /etc/trivet/member-key.pem "$@"; }
ask_patroni() { inside "$postgres" patronictl -c /etc/trivet/patroni.yml "$@"; }
# Address, role and state of each member of Patroni's, and its name.
members() { ask_patroni list --format tsv 2>/dev/null | awk -F '\t' 'NR > 1 { print $3 "," $4 "," $5 "," $2 }'; }
# primary_at ADDRESS: whether the primary is there; sets its name.
primary_at() {
  local address role state
  while IFS=, read -r address role state name; do
    if [ "$address $role" = "$1 Leader" ]; then return 0; fi
  done < <(members)
  return 1
}
# A standby on a machine that stays, which has what is acknowledged.
has_heir() {
  local address role state name
  while IFS=, read -r address role state name; do
    case $role,$state,$staying in *Standby,streaming,*" $address "*) return 0 ;; esac
  done < <(members)
  return 1
}

# Once no leader of the Swarm is there to be asked, it is not for this script to say so.
machines=$(leaving) || exit 0
while read -r node address role label; do
  [ -n "$node" ] || continue
  echo "$label ($address) leaves the platform: what it leads goes to others first" >&2
  if docker service inspect "$postgres" >/dev/null 2>&1 && [ -z "$(members)" ]; then
    echo "$label ($address) leaves, and Patroni on $(hostname) cannot be asked where the primary is: ./scripts/trivet status tells why; then run again" >&2
    exit 1
  fi
  if primary_at "$address"; then
    has_heir || {
      echo "$label ($address) holds the primary, and no machine that stays has a standby that follows it: it would take the only copy of the data along. See ./scripts/trivet status, and run again once one does" >&2
      exit 1
    }
    # Where the new firewalls stand between them already (an update that stopped half-way) no switchover is possible; it
    # hands over when its services end, too, which takes a few seconds more.
    deadline=$((SECONDS + 30))
    if ask_patroni switchover --leader "$name" --force >&2; then
      while primary_at "$address" && ((SECONDS < deadline)); do sleep 0.5; done
    fi
  fi
  member=$(ask_etcd member list 2>/dev/null | awk -F ', ' -v peer="https://$address:2380" '$4 == peer { print $1 }') || true
  if [ -n "$member" ]; then ask_etcd member remove "$member" >/dev/null; fi
  # Swarm itself may change a node between Docker's look at it and the update ("update out of sequence").
  # The label is for nodes.sh: a machine that is taken back into the configuration gets tasks again.
  update=(docker node update --availability drain --label-add trivet.leaving=true "$node")
  for turn in $(seq 1 5); do
    if "${update[@]}" >/dev/null 2>&1; then break; fi
    [ "$turn" -lt 5 ] || "${update[@]}" >/dev/null
    sleep 1
  done
  for _ in $(seq 1 120); do
    [ -n "$(docker node ps --quiet --filter desired-state=running "$node")" ] || break
    sleep 0.5
  done
  if [ "$role" = manager ]; then docker node demote "$node" >/dev/null; fi
done <<<"$machines"
