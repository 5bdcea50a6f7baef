#!/usr/bin/env bash
# Allows this machine's etcd to found a cluster, if it holds no data yet. Once in a cluster's life: a machine that comes
# back empty must join the others. Arguments: volume, numeric owner of its files.
set -euo pipefail
volume=$1 owner=$2

docker volume create "$volume" >/dev/null
folder=$(docker volume inspect --format '{{.Mountpoint}}' "$volume")
if [ ! -e "$folder/member" ]; then
  # Docker gives an empty volume the image's owner and mode, but this one is not empty then.
  chown "$owner" "$folder"
  chmod 0700 "$folder"
  install -m 0600 -o "${owner%:*}" -g "${owner#*:}" /dev/null "$folder/found"
fi
