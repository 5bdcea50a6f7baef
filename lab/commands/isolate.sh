# shellcheck shell=bash

help_isolate() {
  cat << 'TEXT'
Usage: ./scripts/lab isolate vmN [--peers-only | --from vmM] [--lab NAME]

The machine goes on running without its network: everything from and to it is dropped, SSH from here too.

  --peers-only   only traffic with the lab's other machines is dropped: SSH, the internet and the registry stay
  --from vmM     only traffic between the two machines is dropped

Undo: ./scripts/lab heal [vmN]
TEXT
}

run_isolate() {
  local vm=${1:-} fault
  check_machine_name "$vm"
  case ${2:-} in
    "") fault="isolate $vm" ;;
    --peers-only) fault="peers $vm" ;;
    --from)
      require_value "${@:2}"
      check_machine_name "$3"
      [[ $3 != "$vm" ]] || usage_error "a machine cannot be isolated from itself"
      fault="from $vm $3"
      ;;
    *) usage_error "'$2' is not an option of isolate" ;;
  esac
  require_running_lab
  require_machine "$vm"
  if [[ $fault == from* ]]; then require_machine "$3"; fi
  # shellcheck disable=SC2086 # the words of the fault
  with_lock "lab-$LAB" add_fault $fault
  say "$vm: $(faults_of "$vm")"
}
