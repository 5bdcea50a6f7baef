#!/usr/bin/env bash
# Joins this machine to the Swarm, or finds that it belongs to it already.
# Arguments: name, private address, role (manager or worker), the node that it was and that the managers have removed (or
# none), private addresses of the managers.
# Standard input: the manager token, the worker token, the Swarm's identity.
set -euo pipefail
name=$1 address=$2 role=$3 removed=$4
shift 4
read -r manager_token
read -r worker_token
read -r swarm

info() { docker info --format "$1"; }
# Docker goes on trying to be what it was, and calls that pending, error or active. Looked at once more: since the probe,
# a script of an update that was killed may have made it join.
is_still() {
  local found
  found=$(sed '/-END/q' "$(info '{{.DockerRootDir}}')/swarm/certificates/swarm-node.crt" 2>/dev/null | grep -v -e - | base64 -d 2>/dev/null | grep -ac "$1") || return 1
  [ "$found" != 0 ] && ! docker node inspect self >/dev/null 2>&1
}
if [ "$removed" != none ] && is_still "$removed"; then
  echo "$(hostname): the Swarm has removed this machine: it leaves, to join anew" >&2
  docker swarm leave --force >/dev/null
fi
# Pending while a machine that just started looks for the others.
for _ in $(seq 1 180); do
  [ "$(info '{{.Swarm.LocalNodeState}}')" = pending ] || break
  sleep 1
done
if [ "$(info '{{.Swarm.LocalNodeState}}')" = active ]; then
  # A worker does not know the identity, only its managers.
  if [ "$(info '{{if .Swarm.Cluster}}{{.Swarm.Cluster.ID}}{{end}}')" = "$swarm" ]; then exit 0; fi
  managers=$(info '{{range .Swarm.RemoteManagers}}{{.Addr}} {{end}}')
  if [ "$(info '{{.Swarm.ControlAvailable}}')" = false ]; then
    for manager in "$@"; do
      case " $managers" in *" $manager:2377 "*) exit 0 ;; esac
    done
  fi
  echo "$(hostname): belongs to another Swarm (managers: $managers): docker swarm leave --force there, if nothing needs it" >&2
  exit 1
fi
token=$worker_token
if [ "$role" = manager ]; then token=$manager_token; fi
for manager in "$@"; do
  [ "$manager" != "$address" ] || continue
  timeout 5 bash -c "</dev/tcp/$manager/2377" 2>/dev/null || continue
  # Over the daemon's socket: as an argument of the docker command the token would show in the process list.
  printf '{"ListenAddr":"%s:2377","AdvertiseAddr":"%s","DataPathAddr":"%s","RemoteAddrs":["%s:2377"],"JoinToken":"%s"}' \
    "$address" "$address" "$address" "$manager" "$token" |
    curl --silent --show-error --fail-with-body --max-time 120 --unix-socket /var/run/docker.sock \
      --header 'Content-Type: application/json' --data @- http://docker/swarm/join >&2
  # By its label it is known as the platform's from then on, also if this growth is cut off here and taken back: a vote
  # of nobody's would stay in the Swarm. Best effort: nodes.sh gives it to every machine.
  if [ "$role" = manager ]; then
    for _ in $(seq 1 20); do
      if docker node update --label-add "trivet.machine=$name" self >/dev/null 2>&1; then break; fi
      sleep 0.5
    done
  fi
  exit 0
done
echo "$(hostname): reaches no manager at port 2377 of $*: let the machines reach each other's private addresses" >&2
exit 1
