#!/usr/bin/env bash
# Removes members whose machine is no machine of the platform any more. Arguments: the service of this machine's member,
# then the names of all members.
set -euo pipefail
service=$1
shift

container=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service")
[ -n "$container" ] || {
  echo "service $service has no running container on $(hostname)" >&2
  exit 1
}
ask() { docker exec "${container%%$'\n'*}" etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/trivet/authority.pem --cert /etc/trivet/member.pem --key /etc/trivet/member-key.pem "$@" </dev/null; }

known=" $* "
ask member list | sed 's/, /,/g' | while IFS=, read -r id _ name _; do
  # One without a name is just joining.
  case $known in *" $name "*) continue ;; esac
  [ -n "$name" ] || continue
  echo "removing member $name of etcd: it is no machine of the platform any more" >&2
  ask member remove "$id" >/dev/null
done
