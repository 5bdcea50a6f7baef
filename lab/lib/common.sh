# shellcheck shell=bash
# What every part of the lab uses: paths, messages, checks of arguments.

CACHE=${TRIVET_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/trivet}
LAB_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
LABEL=trivet.lab
export CACHE LAB_HOME LABEL

# Progress goes to stderr: stdout is for what a caller reads (JSON, tables, a remote command's output).
say() {
  printf '[%3ds] %s\n' "$SECONDS" "$*" >&2
}

# One line that names what is wrong and, after a colon or a semicolon, what to do.
die() {
  printf 'lab: %s\n' "$*" >&2
  exit 1
}

# A mistake on the command line, as opposed to something that failed.
usage_error() {
  printf 'lab: %s (see: ./scripts/lab %s --help)\n' "$*" "${COMMAND:-}" >&2
  exit 2
}

need() {
  local tool=$1 package=$2
  command -v "$tool" > /dev/null || die "$tool is missing: install it (Debian and Ubuntu: apt-get install $package)"
}

# require_value "$@": the option in front must have its value behind it.
require_value() {
  (($# >= 2)) || usage_error "$1 needs a value"
}

check_machine_name() {
  [[ $1 =~ ^vm([1-9]|1[0-9]|20)$ ]] || usage_error "'$1' is not a machine of a lab: give vm1 to vm20"
}

# Runs the command, shows its output only when it failed. The last lines of a build say what went wrong.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" > "$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# running, paused, exited, created, or absent
container_state() {
  local state
  if state=$(docker container inspect --format '{{.State.Status}}' "$1" 2> /dev/null); then
    printf '%s\n' "$state"
  else
    echo absent
  fi
}
