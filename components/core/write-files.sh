#!/usr/bin/env bash
# Writes files that arrive on standard input, one per line: path, mode, owner, base64 of the content.
# Each is replaced atomically, in a folder that containers mount: a mounted single file would keep
# showing the old inode. What runs afterwards arrives as the first argument.
set -euo pipefail

new=''
# Nothing half-written, perhaps a secret, stays behind when this stops in between.
trap 'if [ -n "$new" ]; then rm -f "$new"; fi' EXIT
while read -r path mode owner content; do
  folder=$(dirname "$path")
  install -d -m 0755 "$folder"
  new=$(mktemp "$folder/.trivet-new-XXXXXX")
  printf '%s' "$content" | base64 -d >"$new"
  chown "$owner" "$new"
  chmod "$mode" "$new"
  sync "$new"
  mv -f "$new" "$path"
  new=''
done
if [ -n "${1:-}" ]; then bash -euo pipefail -c "$1"; fi
