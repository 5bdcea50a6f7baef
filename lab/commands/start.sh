# shellcheck shell=bash

help_start() {
  cat << 'TEXT'
Usage: ./scripts/lab start vmN [--no-wait] [--lab NAME]

Undoes kill and pause: the machine boots or goes on, with its network, and the command waits until it answers over SSH.
An isolation stays in force (./scripts/lab heal). With --no-wait it returns as soon as the machine runs.
TEXT
}

power_on() {
  local vm=$1 machines
  start_container "$vm"
  mapfile -t machines < <(lab_machines)
  fix_neighbours "${machines[@]}"
  remove_faults "down $vm"
  say "$vm runs"
}

run_start() {
  local vm=${1:-}
  check_machine_name "$vm"
  [[ $# == 1 || ($# == 2 && $2 == --no-wait) ]] || usage_error "start takes one machine and --no-wait"
  require_running_lab
  require_machine "$vm"
  with_lock "lab-$LAB" power_on "$vm"
  if [[ ${2:-} == --no-wait ]] || grep -qxF "isolate $vm" "$(faults_file)"; then return; fi
  wait_for_vm "$vm"
  say "$vm answers"
}
