# shellcheck shell=bash

help_up() {
  cat << 'TEXT'
Usage: ./scripts/lab up N [--memory SIZE] [--cpus N] [--wait SECONDS] [--lab NAME]

Makes sure that the machines vm1 to vmN (1 to 20) run, and waits until each answers over SSH with systemd started. Machines
that exist are left as they are, stopped ones are started, faults are kept. Ends with the inventory's path.

  --memory SIZE    memory of each new machine, for example 2g (default: no limit)
  --cpus N         processors of each new machine, for example 1.5 (default: no limit)
  --wait SECONDS   how long a machine may take until it answers (default: 60)

The login is the user ops with sudo, by the lab's own key; see ./scripts/lab inventory.
TEXT
}

parse_up() {
  COUNT='' WAIT=60 RESOURCES=()
  while (($# > 0)); do
    case $1 in
      --memory)
        require_value "$@"
        [[ $2 =~ ^[1-9][0-9]*[kmgKMG]?$ ]] || usage_error "--memory $2 is no size: give for example 512m or 2g"
        RESOURCES+=(--memory "$2" --memory-swap "$2")
        shift
        ;;
      --cpus)
        require_value "$@"
        [[ $2 =~ ^[0-9]+(\.[0-9]+)?$ ]] || usage_error "--cpus $2 is no number: give for example 1 or 1.5"
        RESOURCES+=(--cpus "$2")
        shift
        ;;
      --wait)
        require_value "$@"
        [[ $2 =~ ^[1-9][0-9]{0,3}$ ]] || usage_error "--wait $2 is no number of seconds: give 1 to 9999"
        WAIT=$2
        shift
        ;;
      *)
        [[ -z $COUNT && $1 =~ ^([1-9]|1[0-9]|20)$ ]] || usage_error "'$1' is not a number of machines: give 1 to 20"
        COUNT=$1
        ;;
    esac
    shift
  done
  [[ -n $COUNT ]] || usage_error "how many machines? give 1 to 20"
}

make_machine() {
  say "making $1 ($(vm_address "$1"))"
  create_vm "$1" "${RESOURCES[@]}"
  start_container "$1"
}

# Containers first: the machines start up while the registry is seen to.
start_machines() {
  local vm
  for vm in "$@"; do
    case $(vm_state "$vm") in
      running) ;;
      created)
        # An earlier 'up' was ended before the machine had its keys.
        docker rm "$(vm_container "$vm")" > /dev/null
        make_machine "$vm"
        ;;
      paused) say "$vm is paused and stays so: ./scripts/lab start $vm" ;;
      absent) make_machine "$vm" ;;
      *)
        say "starting $vm"
        start_container "$vm"
        ;;
    esac
  done
}

wait_for_machines() {
  local vm pids=() failed=0
  for vm in "$@"; do
    if [[ $(vm_state "$vm") == paused ]] || grep -qsE "^(down|isolate) $vm\$" "$(faults_file)"; then continue; fi
    wait_for_vm "$vm" "$WAIT" &
    pids+=($!)
  done
  for vm in "${pids[@]}"; do wait "$vm" || failed=1; done
  return "$failed"
}

bring_up() {
  local wanted=() all=()
  mapfile -t wanted < <(seq -f 'vm%g' 1 "$COUNT")
  with_lock images ensure_vm_image
  refuse_foreign_lab
  with_lock network ensure_network
  make_keys
  find_privileges
  start_machines "${wanted[@]}"
  mapfile -t all < <(lab_machines)
  write_inventory "${all[@]}"
  with_lock images ensure_registry
  fix_neighbours "${all[@]}"
  restore_faults "${wanted[@]}"
  wait_for_machines "${wanted[@]}" || exit 1
}

# What is in force after a restart of Docker or of the whole machine is what the file says, minus what 'up' has undone.
restore_faults() {
  local vm
  if [[ ! -s $(faults_file) ]]; then return; fi
  for vm in "$@"; do
    if [[ $(vm_state "$vm") == running ]]; then remove_faults "down $vm"; fi
  done
  apply_faults
}

run_up() {
  parse_up "$@"
  need ssh openssh-client
  need ssh-keygen openssh-client
  "$LAB_HOME/docker-daemon" ensure
  with_lock "lab-$LAB" bring_up
  say "lab '$LAB' is up; inventory: $STATE/inventory.json"
}
