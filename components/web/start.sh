#!/usr/bin/env bash
# Runs nginx, behind child.sh. Told to stop, it serves on for the seconds of the first argument, and says meanwhile that it
# is about to leave: whoever chooses a machine for users (keepalived) then takes another before connections are refused.
# Environment: CONFIG and LEAVING, others than the container's (in tests).
# shellcheck disable=SC2154 # child is child.sh's
set -uo pipefail
seconds=$1 leaving=${LEAVING:-/tmp/leaving}
rm -f "$leaving"
run nginx -c "${CONFIG:-/etc/trivet}/nginx.conf" -g "daemon off;"

leave() {
  touch "$leaving"
  give "$seconds"
  kill -QUIT "$child" 2>/dev/null
}

trap 'kill -HUP "$child"' HUP
trap leave QUIT TERM
await
