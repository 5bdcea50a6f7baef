#!/usr/bin/env bash
# Puts the dump's timer into force. Arguments: folder of the dumps, on or off, whether dumps are copied (true or false).
folder=$1 wanted=$2 copied=$3

install -d -m 0700 "$folder"
if [ "$copied" = false ]; then rm -f /etc/trivet/dump/key /etc/trivet/dump/known_hosts; fi
systemctl daemon-reload
if [ "$wanted" = on ]; then
  # Since when dumps are expected: one that never came would not be missed otherwise.
  if ! grep -qs '^on ' "$folder/schedule"; then date -u '+on %Y-%m-%dT%H:%M:%SZ' > "$folder/schedule"; fi
  systemctl enable --quiet trivet-dump.timer
  systemctl restart trivet-dump.timer
else
  systemctl disable --quiet --now trivet-dump.timer
  echo off > "$folder/schedule"
fi
