#!/bin/bash
# Docker of three machines that are no machines: what they are is in files of $WORLD. Run by fake-machines.ts.
set -eu
log() { echo "$*" >>"$WORLD/log"; }
availability() { cat "$WORLD/availability-$1" 2>/dev/null || echo active; }
takers() { for vm in $MACHINES; do [ "$(availability "$vm")" != active ] || echo "$vm"; done; }

case "$*" in
  "ps -q --filter label=com.docker.swarm.service.name=pooler-guard-"*)
    [ -e "$WORLD/no-guard-$MACHINE" ] || echo "guard-$MACHINE"
    ;;
  "ps -q --filter label=com.docker.swarm.service.name=postgres-"*) echo "postgres-$MACHINE" ;;
  "ps -q --filter label=com.docker.swarm.service.name=etcd-$MACHINE") echo "etcd-$MACHINE" ;;
  "ps -q --filter label=com.docker.swarm.service.name=valkey-$MACHINE") echo "valkey-$MACHINE" ;;
  "ps -q --filter label=com.docker.swarm.service.name="*) ;;
  "exec etcd-$MACHINE etcdctl "*" member list")
    for vm in $MACHINES; do [[ $vm != vm* ]] || echo "id, started, $vm, https://peer, https://client, false"; done
    ;;
  "exec -i valkey-$MACHINE bash -s -- "*)
    cat >/dev/null
    echo "valkey master $(($# - 7))"
    ;;
  "exec -i guard-$MACHINE python3 /etc/trivet/pooler-guard.py hold --ready --after "*" --seconds 20 --drain-seconds 5")
    echo ready
    read -r _ || exit 0
    if [ -e "$WORLD/busy-$MACHINE" ]; then
      # The others are paused by then.
      sleep 0.5
      echo busy
      exit 3
    fi
    log "paused $MACHINE"
    echo paused
    cat >/dev/null
    log "resumed $MACHINE"
    echo resumed
    ;;
  "exec postgres-$MACHINE psql -qX -U postgres -c CHECKPOINT") log "checkpoint $MACHINE" ;;
  "exec -i postgres-"*" python3 -c "*)
    read -r _ || exit 0
    if [ -e "$WORLD/refusal" ]; then
      cat "$WORLD/refusal"
    elif [ -e "$WORLD/never" ]; then
      sleep 10
    else
      log "switchover $7 ${8:-any}"
      winner=$8
      for vm in $MACHINES; do
        if [ -z "$winner" ] && [ "$vm" != "$7" ]; then winner=$vm; fi
      done
      echo "$winner" >"$WORLD/primary"
      echo "200 Successfully switched over to \"$winner\""
    fi
    ;;
  "node ls -q") for vm in $MACHINES; do echo "id-$vm"; done ;;
  "node ls -q --filter node.label=trivet.machine="*) echo "id-${5##*=}" ;;
  "node ls --format "*)
    for vm in $MACHINES; do
      state=$(availability "$vm")
      if [ "$vm" = app1 ]; then echo "node $vm Ready ${state^} "; else echo "node $vm Ready ${state^} Reachable"; fi
    done
    ;;
  "node inspect --format "*)
    shift 3
    for id in "$@"; do echo "node $id ready $(availability "${id#id-}") ${id#id-}"; done
    ;;
  "node update --availability "*)
    log "$4 ${5#id-}"
    echo "$4" >"$WORLD/availability-${5#id-}"
    ;;
  "service ls --format "*)
    echo "web 3/3"
    for vm in $MACHINES; do
      if [ "$(availability "$vm")" = drain ]; then echo "nginx-$vm 0/1"; else echo "nginx-$vm 1/1"; fi
    done
    ;;
  "service ls -q --filter label=trivet.service")
    echo s-web
    for vm in $MACHINES; do echo "s-nginx-$vm"; done
    ;;
  "service inspect --format "*)
    name=${5#s-}
    if [ "$name" = web ]; then echo "service web 3 "; else echo "service $name 1 ${name#nginx-}"; fi
    ;;
  "service ps -q --no-trunc s-web") while read -r vm; do echo "t-$vm"; done <"$WORLD/web" ;;
  "service ps -q --no-trunc s-nginx-"*)
    vm=${5#s-nginx-}
    [ "$(availability "$vm")" = drain ] || echo "t-$vm"
    ;;
  "inspect --type task --format "*)
    shift 5
    for id in "$@"; do echo "task id-${id#t-} running"; done
    ;;
  "service update --force --detach=false --quiet web")
    log "replace web"
    if [ -e "$WORLD/no-room" ]; then
      echo "service rolled back: no suitable node" >&2
      exit 1
    fi
    for _ in 1 2 3; do takers; done | head -n 3 >"$WORLD/web"
    ;;
  *)
    echo "fake docker: $*" >&2
    log "unknown: $*"
    exit 1
    ;;
esac
