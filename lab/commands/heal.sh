# shellcheck shell=bash

help_heal() {
  cat << 'TEXT'
Usage: ./scripts/lab heal [vmN] [--lab NAME]

Undoes isolate for one machine, or for all. Machines that were killed or paused stay so: ./scripts/lab start vmN
TEXT
}

run_heal() {
  require_running_lab
  if (($# == 0)); then
    with_lock "lab-$LAB" remove_faults '(isolate|peers|from) .*'
    say "no machine is isolated any more"
    return
  fi
  (($# == 1)) || usage_error "heal takes one machine, or none for all"
  check_machine_name "$1"
  require_machine "$1"
  with_lock "lab-$LAB" remove_faults "((isolate|peers) $1|from $1 .*|from .* $1)"
  say "$1 is not isolated any more"
}
