#!/usr/bin/env bash
# Spreads the replicas of applications over the machines again: Swarm leaves them where they are when a machine comes
# back. On the Swarm's leader alone, once the machines that take tasks have been the same for a while, and once for
# each such state: where resources do not allow an even spread, it must not try for ever.
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
if (($(date +%s) - $(stat -c %Y "$state/takers") < steady)); then exit 0; fi

# How many replicas more the fullest machine has than the emptiest.
difference() {
  docker service ps --quiet --no-trunc --filter desired-state=running "$1" |
    xargs -r docker inspect --type task --format '{{.NodeID}} {{.Status.State}}' |
    awk -v takers="$takers" '
      BEGIN { n = split(takers, ids, "\n") }
      $2 == "running" { count[$1]++ }
      END {
        least = most = count[ids[1]] + 0
        for (i = 2; i <= n; i++) {
          c = count[ids[i]] + 0
          if (c < least) least = c
          if (c > most) most = c
        }
        print most - least
      }'
}

docker service ls --quiet --filter label=trivet.service |
  xargs -r docker service inspect --format '{{.Spec.Name}} {{or (index .Spec.Labels "trivet.machine") "-"}} {{if .UpdateStatus}}{{.UpdateStatus.State}}{{else}}completed{{end}} {{.Spec.Mode.Replicated.Replicas}}' |
  while read -r name machine update replicas; do
    [ "$machine" = - ] || continue
    case $update in completed | rollback_completed) ;; *) continue ;; esac
    if [ "$(cat "$state/$name" 2>/dev/null)" = "$replicas" ]; then continue; fi
    if (($(difference "$name") > 1)); then
      echo "the replicas of $name are spread over the machines again"
      docker service update --force --quiet "$name" </dev/null >/dev/null
      printf '%s\n' "$replicas" >"$state/$name"
    fi
  done
