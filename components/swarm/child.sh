#!/usr/bin/env bash
# For scripts that stand behind this one and are the first process of a container: runs the container's program, whose
# signals are theirs to pass on.

# What bash starts beside itself ignores these two. A signal that is passed on before the program listens ends it; Swarm
# starts it again.
run() {
  (
    trap - INT QUIT
    exec "$@"
  ) &
  child=$!
}

is_running() { kill -0 "$child" 2>/dev/null; }

# Lets the program go on for so many seconds, or fewer if it ends.
give() {
  local tenths
  for ((tenths = $1 * 10; tenths > 0; tenths--)); do
    is_running || return 0
    sleep 0.1
  done
}

# Ends as the program ends. A signal ends `wait` as well.
await() {
  while is_running; do wait "$child"; done
  wait "$child"
}
