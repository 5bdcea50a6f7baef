#!/usr/bin/env bash
# Joins this machine to the Swarm of a manager, or finds that it belongs to it already.
# Arguments: private address, manager's address, role (manager or worker).
# Standard input: the manager token, then the worker token.
set -euo pipefail
address=$1 manager=$2 role=$3
read -r manager_token
read -r worker_token

if [ "$(docker info --format '{{.Swarm.LocalNodeState}}')" = active ]; then
  managers=$(docker info --format '{{range .Swarm.RemoteManagers}}{{.Addr}} {{end}}')
  case " $managers" in
    *" $manager:2377 "*) exit 0 ;;
  esac
  echo "$(hostname): belongs to another Swarm (managers: $managers): docker swarm leave --force there, if nothing needs it" >&2
  exit 1
fi
token=$worker_token
if [ "$role" = manager ]; then token=$manager_token; fi
# Over the daemon's socket: as an argument of the docker command the token would show in the process list.
printf '{"ListenAddr":"%s:2377","AdvertiseAddr":"%s","DataPathAddr":"%s","RemoteAddrs":["%s:2377"],"JoinToken":"%s"}' \
  "$address" "$address" "$address" "$manager" "$token" |
  curl --silent --show-error --fail-with-body --max-time 120 --unix-socket /var/run/docker.sock \
    --header 'Content-Type: application/json' --data @- http://docker/swarm/join >&2
