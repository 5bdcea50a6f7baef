#!/usr/bin/env bash
# Runs HAProxy. Told to stop, it takes no new connection, and the ones that are open have the seconds of the first
# argument to end. HAProxy's own limit (hard-stop-after) is for reloads too, where they have minutes; and Docker's, after
# which it kills, is how long `pulumi destroy` waits for the container, so one must be over before the other.
# Environment: CONFIG, another folder than the container's (in tests).
set -uo pipefail
seconds=$1
haproxy -W -db -f "${CONFIG:-/etc/trivet}/haproxy.cfg" &
master=$!

is_running() { kill -0 "$master" 2>/dev/null; }

stop() {
  kill -USR1 "$master"
  for ((tenths = 0; tenths < seconds * 10; tenths++)); do
    is_running || return 0
    sleep 0.1
  done
  kill -TERM "$master"
}

trap 'kill -USR2 "$master"' USR2
trap stop USR1 TERM
# A signal ends `wait` as well.
while is_running; do wait "$master"; done
wait "$master"
