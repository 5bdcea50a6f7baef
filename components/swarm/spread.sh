#!/usr/bin/env bash
# Spreads the replicas of applications over the machines again: Swarm leaves them where they are when a machine comes
# back. The service gets as many replicas more as have to move, which Swarm puts where there are fewest, and loses as many,
# which Swarm takes from where there are most: the others stay. A label holds the number that it goes back to, for whoever
# leads the Swarm then, should this end in between.
# On the Swarm's leader alone, once the machines that take tasks have been the same for a while. What did not help is tried
# again, each time after twice as long, up to about an hour: a machine that is back gets its images with the next update of the stack,
# and where resources do not allow an even spread, replicas must not come and go all the time.
# Environment: STEADY_SECONDS, how long; STATE, folder that is empty after a restart of the machine.
set -euo pipefail
steady=${STEADY_SECONDS:-60} state=${STATE:-/run/trivet-spread}
mkdir -p "$state"

leads=$(docker node inspect self --format '{{if .ManagerStatus}}{{.ManagerStatus.Leader}}{{end}}')
if [ "$leads" != true ]; then
  rm -f "$state"/*
  exit 0
fi
nodes=$(docker node ls --quiet | xargs docker node inspect --format '{{.ID}} {{.Status.State}} {{.Spec.Availability}} {{or (index .Spec.Labels "trivet.machine") "-"}}')
takers=$(awk '$2 == "ready" && $3 == "active" && $4 != "-" { print $1 }' <<<"$nodes" | sort)
if [ "$(cat "$state/takers" 2>/dev/null)" != "$takers" ]; then
  rm -f "$state"/*
  printf '%s\n' "$takers" >"$state/takers"
  exit 0
fi
age() { echo $(($(date +%s) - $(stat -c %Y "$1"))); }
if (($(age "$state/takers") < steady)); then exit 0; fi

# How often as many replicas of a service were spread over these machines.
tried() {
  local of=- times=0
  if [ -e "$state/$1" ]; then read -r of times <"$state/$1"; fi
  if [ "$of" = "$2" ]; then echo "${times:-1}"; else echo 0; fi
}
# Whether that has waited long enough to be tried again.
due() {
  if (($2 == 0)); then return; fi
  (($(age "$state/$1") >= steady * 2 ** ($2 < 7 ? $2 - 1 : 6)))
}

# How many replicas have to move, if the fullest machine has at least two more than the emptiest; else 0.
moves() {
  docker service ps --quiet --no-trunc --filter desired-state=running "$1" |
    xargs -r docker inspect --type task --format '{{.NodeID}} {{.Status.State}}' |
    awk -v takers="$takers" '
      BEGIN { n = split(takers, ids, "\n") }
      $2 == "running" { count[$1]++ }
      END {
        least = most = count[ids[1]] + 0
        for (i = 1; i <= n; i++) {
          c = count[ids[i]] + 0
          sum += c
          if (c < least) least = c
          if (c > most) most = c
        }
        low = int(sum / n); high = int((sum + n - 1) / n)
        for (i = 1; i <= n; i++) {
          if (count[ids[i]] > high) above += count[ids[i]] - high
          if (count[ids[i]] < low) below += low - count[ids[i]]
        }
        moving = above > below ? above : below
        print (most - least > 1 ? moving : 0)
      }'
}

# Until all run and are healthy, or not.
scale() { timeout 600 docker service update --quiet "$@" </dev/null >/dev/null; }
# Unless somebody has written the service anew meanwhile: an update of the stack knows its number itself.
back() {
  local now
  now=$(docker service inspect --format '{{or (index .Spec.Labels "trivet.spread") "-"}}' "$2")
  [ "$now" != "$1" ] || scale --label-rm trivet.spread --replicas "$1" "$2"
}

docker service ls --quiet --filter label=trivet.service |
  while read -r id; do
    # Each as it is now: what came before may have taken minutes.
    now=$(docker service inspect --format '{{.Spec.Name}} {{or (index .Spec.Labels "trivet.machine") "-"}} {{if .UpdateStatus}}{{.UpdateStatus.State}}{{else}}completed{{end}} {{.Spec.Mode.Replicated.Replicas}} {{or (index .Spec.Labels "trivet.spread") "-"}}' "$id") || continue
    read -r name machine update replicas before <<<"$now"
    [ "$machine" = - ] || continue
    if [ "$before" != - ]; then
      back "$before" "$name" || true
      continue
    fi
    case $update in completed | rollback_completed) ;; *) continue ;; esac
    times=$(tried "$name" "$replicas")
    due "$name" "$times" || continue
    moving=$(moves "$name")
    if ((moving == 0)); then
      rm -f "${state:?}/$name"
      continue
    fi
    echo "$moving of the $replicas replicas of $name move, so that they are spread over the machines again"
    scale --label-add "trivet.spread=$replicas" --replicas "$((replicas + moving))" "$name" ||
      echo "$moving replicas more of $name cannot be started: it stays as it is for now" >&2
    printf '%s %s\n' "$replicas" "$((times + 1))" >"$state/$name"
    back "$replicas" "$name"
  done
