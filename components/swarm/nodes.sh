#!/usr/bin/env bash
# Brings the Swarm's nodes to what the platform's machines are: each has its label and its role, and a node that is no
# machine of the platform any more is drained and removed.
# Arguments: replaced (only nodes whose place another one has taken are removed, and the identities of the others that are
# no machine any more are printed) or obsolete (all that are no machine); then four for each machine: name, private address, role (manager or worker), here or away.
set -euo pipefail
removed=$1
shift

node_at() { nodes | awk -v address="$1" '$2 == address && $3 == "ready" && !found++ { print $1 }'; }

# Swarm itself may change a node between Docker's look at it and the update ("update out of sequence").
update() {
  for _ in 1 2 3 4; do
    docker node update "$@" >/dev/null 2>&1 && return
    sleep 1
  done
  docker node update "$@" >/dev/null
}

kept=" " names=" " addresses=" "
while [ "$#" -gt 0 ]; do
  name=$1 address=$2 role=$3 presence=$4
  shift 4
  names+="$name "
  if [ "$presence" = away ]; then
    kept+="$(nodes | awk -v address="$address" '$2 == address { print $1 }' | paste -sd' ') "
    continue
  fi
  node=""
  for _ in $(seq 1 60); do
    node=$(node_at "$address")
    [ -z "$node" ] || break
    sleep 0.5
  done
  [ -n "$node" ] || {
    echo "machine $name ($address) did not appear among the Swarm's nodes within 30 s: see docker node ls; if it was removed there, docker swarm leave --force on it, and run again" >&2
    exit 1
  }
  update --label-add "trivet.machine=$name" --role "$role" "$node"
  # It was on its way out (leave.sh), and was taken back.
  if [ "$(docker node inspect --format '{{index .Spec.Labels "trivet.leaving"}}' "$node")" = true ]; then
    update --availability active --label-rm trivet.leaving "$node"
  fi
  kept+="$node " addresses+="$address "
done

nodes | while read -r node address state role label; do
  case $kept in *" $node "*) continue ;; esac
  if [ "$label" = - ]; then
    # Somebody else's, unless a machine of the platform left it behind before it got its label.
    case $state$addresses in down*" $address "*) ;; *) continue ;; esac
  elif [ "$removed" = replaced ]; then
    case $names in *" $label "*) ;; *) echo "$node" && continue ;; esac
  fi
  echo "removing node $node ($address): it is no machine of the platform any more" >&2
  update --availability drain "$node"
  if [ "$state" = ready ]; then
    for _ in $(seq 1 120); do
      [ -n "$(docker node ps --quiet --filter desired-state=running "$node")" ] || break
      sleep 0.5
    done
  fi
  # One whose join failed half-way is a manager without a vote: it cannot be demoted, and need not be.
  if [ "$role" = manager ]; then
    said=$(docker node demote "$node" 2>&1 >/dev/null) || case $said in
      *"can't find manager in raft memberlist"*) ;;
      *) echo "$said" >&2 && exit 1 ;;
    esac
  fi
  for _ in $(seq 1 20); do
    if docker node rm --force "$node" >/dev/null 2>&1; then continue 2; fi
    sleep 0.5
  done
  docker node rm --force "$node" >/dev/null
done
