#!/usr/bin/env bash
# What the machine's scripts share; put in front of each of them. Each sets MACHINE first.

# One line that names the machine, what is wrong and what to do.
fail() {
  printf '%s: %s\n' "$MACHINE" "$*" >&2
  exit 1
}

# Writes "$2" to the file "$1" with mode "$3" in one step; returns 1 when it was so already.
put_file() {
  local path=$1 text=$2 mode=$3
  if [ -f "$path" ] && printf '%s\n' "$text" | cmp -s - "$path"; then return 1; fi
  mkdir -p "$(dirname "$path")"
  printf '%s\n' "$text" > "$path.new"
  chmod "$mode" "$path.new"
  mv "$path.new" "$path"
}

# A machine that has just booted is often busy with updates of its own: wait for the lock, bounded.
# Its talk is shown only when it fails.
apt_get() {
  local talk
  talk=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@" 2>&1) && return 0
  tail -n 15 <<< "$talk" >&2
  return 1
}

apt_update() {
  local try
  for try in 1 2 3 4 5 6; do
    if apt_get update; then return 0; fi
    [ "$try" = 6 ] || sleep 10
  done
  fail "apt-get update failed: see its message above, then run again"
}

# Package lists may be empty or so old that the files they name are gone: then fetch them and try again.
apt_install() {
  if compgen -G '/var/lib/apt/lists/*_Packages*' > /dev/null; then
    if apt_get install --yes --no-install-recommends "$@"; then return 0; fi
  fi
  apt_update
  apt_get install --yes --no-install-recommends "$@" ||
    fail "could not install $*: see apt-get's message above, then run again"
}
