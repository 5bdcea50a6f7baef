#!/usr/bin/env bash
# Ends the listener whose process identity is in the file "$1", if it still is one.
end_listener() {
  local pid
  pid=$(cat "$1" 2> /dev/null) || return 0
  if is_listener "$pid" && kill "$pid"; then
    for _ in {1..100}; do
      is_listener "$pid" || break
      sleep 0.05
    done
  fi
  rm -f "$1"
}

is_listener() {
  [[ $1 =~ ^[1-9][0-9]*$ ]] && grep -q '^trivet-reachability' "/proc/$1/cmdline" 2> /dev/null
}
