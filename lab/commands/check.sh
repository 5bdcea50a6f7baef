# shellcheck shell=bash

help_check() {
  cat << 'TEXT'
Usage: ./scripts/lab check

Says within 10 s whether stand-in VMs can run here. If not, exits 1 and lists each thing that is in the way with what to do.
Changes nothing.
TEXT
}

problem() {
  printf 'lab: %s\n' "$*" >&2
  PROBLEMS=$((PROBLEMS + 1))
}

check_tools() {
  local tool
  for tool in ssh:openssh-client ssh-keygen:openssh-client flock:util-linux tar:tar sha256sum:coreutils awk:mawk; do
    command -v "${tool%%:*}" > /dev/null ||
      problem "${tool%%:*} is missing: install it (Debian and Ubuntu: apt-get install ${tool##*:})"
  done
}

check_kernel() {
  if [[ $(uname -s) != Linux ]]; then problem "this is $(uname -s): stand-in VMs need Linux"; fi
  if [[ $(uname -m) != x86_64 && $(uname -m) != aarch64 ]]; then problem "this is $(uname -m): stand-in VMs need x86_64 or aarch64"; fi
}

check_room() {
  local folder=$CACHE free
  while [[ ! -d $folder ]]; do folder=$(dirname "$folder"); done
  free=$(df --output=avail -BM "$folder" | tail -n 1 | tr -dc 0-9)
  ((free >= 4000)) || problem "only $free MB are free in $folder: the lab needs 4000, or another folder by TRIVET_CACHE"
  free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
  ((free >= 1500)) || problem "only $free MB of memory are free: one machine with the platform needs 1500"
}

# The engine's own word is worth more than a list of its permissions: one container with all that a machine needs.
check_trial() {
  find_vm_image
  if [[ -z $VM_IMAGE ]]; then return; fi
  find_privileges
  timeout 8 docker run --rm --cgroupns=private "${PRIVILEGES[@]}" --entrypoint mount "$VM_IMAGE" -o remount,bind,rw /sys > /dev/null 2>&1 ||
    problem "Docker does not let a container be a machine (neither --privileged nor the single capabilities): run it outside a restricted container"
}

run_check() {
  local engine
  PROBLEMS=0
  (($# == 0)) || usage_error "check takes no argument but --help"
  check_kernel
  check_tools
  check_room
  if engine=$("$LAB_HOME/docker-daemon" check); then
    if [[ $engine == Docker* ]]; then check_trial; fi
  else
    PROBLEMS=$((PROBLEMS + 1))
  fi
  ((PROBLEMS == 0)) || exit 1
  echo "stand-in VMs can run here: $engine"
}
