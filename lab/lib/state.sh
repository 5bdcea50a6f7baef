# shellcheck shell=bash
# What is remembered about one lab: a folder with settings, keys, faults and the inventory.

select_lab() {
  [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,19}$ ]] ||
    usage_error "'$1' is not a lab's name: give 1 to 20 of a-z, 0-9 and -, starting with a letter or digit"
  LAB=$1
  STATE=$CACHE/labs/$LAB
  export LAB STATE
}

lab_exists() {
  [[ -f $STATE/settings ]]
}

require_lab() {
  lab_exists || die "there is no lab '$LAB': make it with ./scripts/lab up 1 --lab $LAB"
  load_settings
}

# For commands that work on a lab's containers. Docker may have stopped since, with everything kept.
require_running_lab() {
  require_lab
  docker version > /dev/null 2>&1 || die "Docker does not answer: ./scripts/lab up starts it, and the machines with it"
  find_vm_image
  [[ -n $VM_IMAGE ]] || die "the image that faults are set with is gone: ./scripts/lab images makes it anew"
}

# All that has to be remembered: every address, MAC and name follows from it.
load_settings() {
  POOL=$(sed -n 's/^pool=//p' "$STATE/settings")
  SUBNET_INDEX=$(sed -n 's/^subnet_index=//p' "$STATE/settings")
  export POOL SUBNET_INDEX
}

# A lab of the same name in another cache folder has the same containers; it must not be taken for this one's.
refuse_foreign_lab() {
  local folder
  while read -r folder; do
    if [[ -n $folder && $folder != "$STATE" && -f $folder/settings ]]; then
      die "a lab '$LAB' of another cache folder exists ($folder): give another name with --lab, or use TRIVET_CACHE=${folder%/labs/*}"
    fi
  done < <(docker ps --all --filter "label=$LABEL=$LAB" --format '{{.Label "trivet.lab.state"}}' | sort -u)
}

all_labs() {
  local folder
  for folder in "$CACHE"/labs/*/; do
    if [[ -f $folder/settings ]]; then basename "$folder"; fi
  done
}

# Two commands that change the same lab (or what the labs share) take turns.
with_lock() {
  local name=$1 fd
  shift
  mkdir -p "$CACHE/labs/.locks"
  exec {fd}> "$CACHE/labs/.locks/$name"
  flock -w 900 "$fd" || die "another lab command has held the lock '$name' for 15 minutes: wait for it or end it"
  "$@"
  exec {fd}>&-
}

make_keys() {
  if [[ ! -f $STATE/keys/lab ]]; then
    mkdir -p "$STATE/keys"
    chmod 700 "$STATE/keys"
    ssh-keygen -q -t ed25519 -N '' -C "trivet-lab-$LAB" -f "$STATE/keys/lab"
  fi
}

# A machine keeps its host key when its container is made anew: clients have verified it.
make_host_key() {
  local vm=$1
  if [[ ! -f $STATE/keys/$vm ]]; then
    ssh-keygen -q -t ed25519 -N '' -C "$vm" -f "$STATE/keys/$vm"
  fi
}

public_host_key() {
  cut -d ' ' -f 1,2 "$STATE/keys/$1.pub"
}
