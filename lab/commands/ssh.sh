# shellcheck shell=bash

help_ssh() {
  cat << 'TEXT'
Usage: ./scripts/lab ssh vmN [-- COMMAND …] [--lab NAME]

Signs in to the machine as ops, or runs the command there and returns its exit status. The host key is verified.
TEXT
}

run_ssh() {
  local vm=${1:-} options
  check_machine_name "$vm"
  shift
  if [[ ${1:-} == -- ]]; then shift; fi
  require_lab
  mapfile -t options < <(ssh_options)
  exec ssh "${options[@]}" "ops@$(vm_address "$vm")" "$@"
}
