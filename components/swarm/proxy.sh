#!/usr/bin/env bash
# Runs HAProxy, behind child.sh. Told to stop, it takes no new connection, and the ones that are open have the seconds of
# the first argument to end. HAProxy's own limit (hard-stop-after) is for reloads too, where they have minutes; and
# Docker's, after which it kills, is how long `pulumi destroy` waits for the container, so one must be over before the other.
# Environment: CONFIG, another folder than the container's (in tests).
# shellcheck disable=SC2154 # child is child.sh's
set -uo pipefail
seconds=$1
run haproxy -W -db -f "${CONFIG:-/etc/trivet}/haproxy.cfg"

stop() {
  kill -USR1 "$child"
  give "$seconds"
  kill -TERM "$child" 2>/dev/null
}

trap 'kill -USR2 "$child"' USR2
trap stop USR1 TERM
await
