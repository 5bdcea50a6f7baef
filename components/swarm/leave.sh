#!/usr/bin/env bash
# A machine that leaves the platform while it runs hands over what it leads and stops its services, before the others'
# firewalls shut it out: a primary or a Swarm leader that the rest cannot reach would hold up everything behind it.
# Runs on a machine that stays. Arguments: the service of its own member of etcd, that member's volume, the service of its
# own member of Patroni, then the private addresses of all machines that stay or come.
set -euo pipefail
etcd=$1 volume=$2 postgres=$3
shift 3
staying=" $* "

# Not yet a machine of the platform.
command -v docker >/dev/null || exit 0
[ "$(docker info --format '{{.Swarm.ControlAvailable}}' 2>/dev/null)" = true ] || exit 0

# patiently TIMES COMMAND…: tries again each second. Swarm answers nothing while it elects a leader, and may change a node
# between Docker's look at it and the update ("update out of sequence"); etcd lets nobody go just after one came back.
patiently() {
  local times=$1 said="" deadline=$((SECONDS + 2 * $1))
  shift
  for _ in $(seq "$times"); do
    if said=$("$@" 2>&1); then
      printf '%s\n' "$said"
      return 0
    fi
    # Without a leader, an answer alone may take 20 s.
    if ((SECONDS >= deadline)); then break; fi
    sleep 1
  done
  echo "${said##*$'\n'}" >&2
  return 1
}
stop() {
  echo "$*. See ./scripts/trivet status, and run again" >&2
  exit 1
}

ask_patroni() { inside "$postgres" patronictl -c /etc/trivet/patroni.yml "$@"; }
# Address, role, state and name of each member of Patroni's.
members() { ask_patroni list --format tsv 2>/dev/null | awk -F '\t' 'NR > 1 { print $3 "," $4 "," $5 "," $2 }'; }
# Sets where the primary is, and its name.
find_primary() {
  local role state
  while IFS=, read -r at role state name; do
    if [ "$role $state" = "Leader running" ]; then return 0; fi
  done < <(members)
  return 1
}
is_elsewhere() { find_primary && [ "$at" != "$1" ]; }
# A standby on a machine that stays, which has what is acknowledged.
has_heir() {
  local address role state rest
  while IFS=, read -r address role state rest; do
    case $role,$state,$staying in *Standby,streaming,*" $address "*) return 0 ;; esac
  done < <(members)
  return 1
}
is_empty() {
  local states
  states=$(docker node ps --format '{{.CurrentState}}' "$1") && ! grep -q ^Running <<<"$states"
}
has_no_vote() {
  local vote
  vote=$(docker node inspect --format '{{if .ManagerStatus}}vote{{end}}' "$1") && [ -z "$vote" ]
}

hand_over_primary() {
  local address=$1 label=$2
  within 40 find_primary || stop "$label ($address) leaves, and Patroni does not tell which machine has the primary"
  [ "$at" = "$address" ] || return 0
  within 30 has_heir ||
    stop "$label ($address) holds the primary, and no machine that stays has a standby that follows it: it would take the only copy of the data along"
  # Where the new firewalls stand between them already (an update that stopped half-way) no switchover is possible; it
  # hands over when its services end, too, which takes a few seconds more.
  if ask_patroni switchover --leader "$name" --force >&2; then within 30 is_elsewhere "$address" || true; fi
}

# Where etcd was never a member of anything, or has no service after a destroy, nothing is to be removed.
has_etcd() {
  local folder
  grep -qx "$etcd" <<<"$services" || return 1
  folder=$(docker volume inspect --format '{{.Mountpoint}}' "$volume" 2>/dev/null) || return 1
  compgen -G "$folder/member/member/wal/*.wal" >/dev/null
}
leave_etcd() {
  local address=$1 known member
  has_etcd || return 0
  known=$(patiently 30 ask_etcd "$etcd" member list) || stop "the members of etcd cannot be asked for, and $address is one of them or not"
  member=$(awk -F ', ' -v peer="https://$address:2380" '$4 == peer { print $1 }' <<<"$known")
  [ -n "$member" ] || return 0
  patiently 30 ask_etcd "$etcd" member remove "$member" >/dev/null || stop "etcd does not let its member at $address go"
}

leaving=() down=()
# A machine that just started has to find the others' leader first. Where none is found it is not for this script to
# say so: whatever comes next needs one too.
all=$(patiently 60 nodes) || exit 0
while read -r node address state role label; do
  # Somebody else's, or not yet anybody's.
  if [ "$label" = - ] || [ "$address" = - ]; then continue; fi
  case $staying in *" $address "*) continue ;; esac
  if [ "$state" = down ]; then down+=("$node $address $role"); else leaving+=("$node $address $role $label"); fi
done <<<"$all"
# Machines that are down are left to those who come later, unless their votes would hold up the others' leave.
[ "${#leaving[@]}" -gt 0 ] || exit 0
services=$(patiently 60 docker service ls --format '{{.Name}}') || stop "the Swarm does not answer"

for each in "${down[@]}"; do
  read -r node address role <<<"$each"
  [ "$role" = manager ] || continue
  leave_etcd "$address"
  patiently 60 docker node demote "$node" >/dev/null || stop "the node at $address cannot be demoted"
done
for each in "${leaving[@]}"; do
  read -r node address role label <<<"$each"
  echo "$label ($address) leaves the platform: what it leads goes to others first" >&2
  if [ "$role" = manager ] && grep -qx "$postgres" <<<"$services"; then hand_over_primary "$address" "$label"; fi
  # Paused first, or its member of etcd would be started anew, and join again. The label is for nodes.sh: a machine that
  # is taken back into the configuration gets tasks again.
  patiently 60 docker node update --availability pause --label-add trivet.leaving=true "$node" >/dev/null ||
    stop "node $node at $address cannot be paused"
  if [ "$role" = manager ]; then leave_etcd "$address"; fi
  patiently 60 docker node update --availability drain "$node" >/dev/null || stop "node $node at $address cannot be drained"
  # As long as the slowest service may take to end.
  within 150 is_empty "$node" || echo "$label ($address) still runs something: going on" >&2
  if [ "$role" = manager ]; then
    patiently 60 docker node demote "$node" >/dev/null || stop "node $node at $address cannot be demoted"
    within 60 has_no_vote "$node" || stop "node $node at $address keeps its vote in the Swarm"
  fi
done
