# shellcheck shell=bash

help_status() {
  cat << 'TEXT'
Usage: ./scripts/lab status [--json] [--lab NAME]

The lab's machines: state (running, paused, exited), whether SSH answers, and what was done to them.
TEXT
}

# A protocol's reply, not a handshake: a paused machine's kernel still completes handshakes.
ssh_banner() {
  local line=""
  # shellcheck disable=SC2016 # expanded by the inner shell
  line=$(timeout 1 bash -c 'exec 3<> "/dev/tcp/$0/22" && IFS= read -r line <&3 && printf %s "$line"' "$(vm_address "$1")" 2> /dev/null) || true
  if [[ $line == SSH-* ]]; then echo yes; else echo no; fi
}

print_row() {
  printf '%-6s %-8s %-15s %-4s %s\n' "$1" "$(vm_state "$1")" "$(vm_address "$1")" "$(ssh_banner "$1")" "$(faults_of "$1")"
}

print_json_row() {
  local ssh=false
  if [[ $(ssh_banner "$1") == yes ]]; then ssh=true; fi
  printf '"%s": { "state": "%s", "address": "%s", "ssh": %s, "fault": "%s" }' \
    "$1" "$(vm_state "$1")" "$(vm_address "$1")" "$ssh" "$(faults_of "$1")"
}

run_status() {
  local machines vm separator=""
  [[ $# == 0 || ($# == 1 && $1 == --json) ]] || usage_error "'$*' is not an option of status"
  require_running_lab
  mapfile -t machines < <(lab_machines)
  if [[ ${1:-} == --json ]]; then
    printf '{ "lab": "%s", "machines": {' "$LAB"
    for vm in "${machines[@]}"; do
      printf '%s ' "$separator"
      print_json_row "$vm"
      separator=,
    done
    printf ' } }\n'
    return
  fi
  printf '%-6s %-8s %-15s %-4s %s\n' NAME STATE ADDRESS SSH FAULT
  for vm in "${machines[@]}"; do print_row "$vm"; done
}
