#!/usr/bin/env bash
# Writes files that arrive on standard input, one per line: path, mode, owner, base64 of the content.
# Each is replaced atomically, in a folder that containers mount: a mounted single file would keep
# showing the old inode. What runs afterwards arrives as the first argument; if it fails, what was
# there before is put back.
set -euo pipefail

new='' before=$(mktemp -d) paths=() done=false
# Nothing half-written, perhaps a secret, stays behind when this stops in between.
finish() {
  if [ -n "$new" ]; then rm -f "$new"; fi
  if [ "$done" = false ]; then
    for ((i = ${#paths[@]} - 1; i >= 0; i--)); do
      if [ -e "$before/$i" ]; then mv -f "$before/$i" "${paths[$i]}"; else rm -f "${paths[$i]}"; fi
    done
  fi
  rm -rf "$before"
}
trap finish EXIT
while read -r path mode owner content; do
  folder=$(dirname "$path")
  install -d -m 0755 "$folder"
  new=$(mktemp "$folder/.trivet-new-XXXXXX")
  printf '%s' "$content" | base64 -d >"$new"
  chown "$owner" "$new"
  chmod "$mode" "$new"
  sync "$new"
  if [ -e "$path" ]; then cp -a "$path" "$before/${#paths[@]}"; fi
  paths+=("$path")
  mv -f "$new" "$path"
  new=''
done
if [ -n "${1:-}" ]; then bash -euo pipefail -c "$1"; fi
done=true
