# shellcheck shell=bash

help_kill() {
  cat << 'TEXT'
Usage: ./scripts/lab kill vmN [--lab NAME]

The machine loses its power. Its traffic is dropped first, so that peers see silence and neither FIN nor RST; then all its
processes are killed. Its disks and host key stay. Undo: ./scripts/lab start vmN

What the machine had written and not yet synced stays too, as the kernel is the one of the machine outside.
TEXT
}

cut_and_kill() {
  local vm=$1
  case $(vm_state "$vm") in
    running | paused)
      add_fault down "$vm"
      # Else the machine would be back after a restart of Docker.
      docker update --restart no "$(vm_container "$vm")" > /dev/null
      docker kill "$(vm_container "$vm")" > /dev/null || die "Docker cannot kill $vm (see above)"
      say "$vm is killed, and silent for its peers"
      ;;
    *)
      add_fault down "$vm"
      say "$vm does not run: nothing to kill"
      ;;
  esac
}

run_kill() {
  check_machine_name "${1:-}"
  (($# == 1)) || usage_error "kill takes one machine"
  require_running_lab
  require_machine "$1"
  with_lock "lab-$LAB" cut_and_kill "$1"
}
