#!/usr/bin/env bash
# Removes members whose machine is no machine of the platform any more, before anybody joins: with one of them dead, etcd
# takes nobody in. Arguments: the service of this machine's member, its volume, then name and address of each machine.
set -euo pipefail
service=$1 volume=$2
shift 2

# Where etcd was never a member of anything, nothing is to be removed.
folder=$(docker volume inspect --format '{{.Mountpoint}}' "$volume" 2>/dev/null) || exit 0
compgen -G "$folder/member/member/wal/*.wal" >/dev/null || exit 0
# After a destroy the data is there and the service is not: it comes after this.
docker service inspect "$service" >/dev/null 2>&1 || exit 0

names=" " peers=" "
while [ "$#" -gt 0 ]; do
  names+="$1 " peers+="https://$2:2380 "
  shift 2
done

# It may just have been started again.
for turn in $(seq 1 30); do
  if members=$(ask_etcd "$service" member list 2>&1); then break; fi
  [ "$turn" -lt 30 ] || {
    echo "the members of etcd cannot be asked for: ${members##*$'\n'}" >&2
    exit 1
  }
  sleep 1
done

while IFS=, read -r id _ name peer _; do
  # A warning of etcdctl's is no member.
  [[ $id =~ ^[0-9a-f]+$ ]] || continue
  # One without a name is just joining, or its machine went before it was done.
  case $names in *" ${name:--} "*) continue ;; esac
  if [ -z "$name" ]; then
    case $peers in *" $peer "*) continue ;; esac
  fi
  echo "removing member ${name:-at $peer} of etcd: it is no machine of the platform any more" >&2
  ask_etcd "$service" member remove "$id" >/dev/null
done <<<"${members//, /,}"
