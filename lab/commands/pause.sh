# shellcheck shell=bash

help_pause() {
  cat << 'TEXT'
Usage: ./scripts/lab pause vmN [--lab NAME]

The machine freezes: its traffic is dropped first (a frozen machine's kernel would still answer handshakes), then none of its
processes runs until ./scripts/lab start vmN, after which it goes on where it was and knows nothing of it.
TEXT
}

cut_and_pause() {
  local vm=$1
  case $(vm_state "$vm") in
    running)
      add_fault down "$vm"
      docker pause "$(vm_container "$vm")" > /dev/null || die "Docker cannot pause $vm (see above)"
      say "$vm is frozen, and silent for its peers"
      ;;
    paused) say "$vm is paused already" ;;
    *) die "$vm does not run: ./scripts/lab start $vm" ;;
  esac
}

run_pause() {
  check_machine_name "${1:-}"
  (($# == 1)) || usage_error "pause takes one machine"
  require_running_lab
  require_machine "$1"
  with_lock "lab-$LAB" cut_and_pause "$1"
}
