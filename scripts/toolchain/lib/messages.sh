# shellcheck shell=bash
# What the toolchain's scripts say: progress and errors, on stderr.

# say TEXT: one line with the seconds since the start.
say() {
  printf '[%3d s] %s\n' "$SECONDS" "$1" >&2
}

# fail TEXT: one line that names what is wrong and what to do; ends the script.
fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

# with_progress TEXT LOG STATUS COMMAND…: runs COMMAND with its output in LOG. Says TEXT at the
# start and again with what STATUS prints (a function that gets LOG) every 15 s. Returns the
# command's exit status. The command does not hold the cache's lock (file descriptor 9): one that
# outlives an interrupted run must not keep the next one waiting.
with_progress() {
  local text=$1 log=$2 status=$3 started=$SECONDS next=15 ended=0
  shift 3
  say "$text"
  "$@" >"$log" 2>&1 </dev/null 9>&- &
  local child=$!
  # A command in the background ignores the terminal's interrupt: pass the end on to it.
  trap 'kill "$child" 2>/dev/null; exit 130' INT TERM HUP
  while kill -0 "$child" 2>/dev/null; do
    # Short, so that a quick command does not wait for the next look.
    sleep 0.1
    if ((SECONDS - started >= next)); then
      say "$text: $("$status" "$log")"
      next=$((next + 15))
    fi
  done
  wait "$child" || ended=$?
  trap - INT TERM HUP
  return "$ended"
}

# No figures to show: the elapsed seconds are all there is.
still_running() {
  printf 'still running'
}

# version_at_least VERSION MINIMUM: compares dotted numbers.
version_at_least() {
  local IFS=. i
  # shellcheck disable=SC2206 # split at the dots
  local have=(${1%%[-+]*}) want=($2)
  for i in 0 1 2; do
    local h=${have[i]:-0} w=${want[i]:-0}
    [[ $h =~ ^[0-9]+$ ]] || return 1
    if ((10#$h != 10#$w)); then
      ((10#$h > 10#$w))
      return
    fi
  done
}
