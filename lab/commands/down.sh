# shellcheck shell=bash

help_down() {
  cat << 'TEXT'
Usage: ./scripts/lab down [--lab NAME]
       ./scripts/lab down --all [--purge]

Removes the lab: machines, their data, network, firewall rules, keys. The last lab takes the shared registry with it (what
the registry stored stays in the cache). A lab that does not exist is no error.

  --all     every lab of this cache folder; then stops the Docker daemon, if the lab started it and nothing else runs in it
  --purge   with --all: also removes the lab's images and the registry's storage
TEXT
}

remove_labelled() {
  local kind=$1 ids
  shift
  mapfile -t ids < <(docker "$kind" ls --quiet "$@" --filter "label=$LABEL=$LAB")
  if ((${#ids[@]} == 0)); then return; fi
  case $kind in
    container) quietly docker rm --force --volumes "${ids[@]}" ;;
    *) quietly docker "$kind" rm "${ids[@]}" ;;
  esac || die "Docker cannot remove each $kind of lab '$LAB' (see above)"
}

take_down() {
  refuse_foreign_lab
  if lab_exists; then
    load_settings
    find_vm_image
    if [[ -n $VM_IMAGE ]]; then drop_faults_table; fi
  fi
  # By name and label even without a state folder: that one may have been removed by hand.
  with_lock images release_registry
  remove_labelled container --all
  remove_labelled network
  remove_labelled volume
  rm -rf "$STATE"
  say "lab '$LAB' is gone"
}

purge() {
  local images
  rm -rf "$CACHE/registry" "$CACHE"/labs/.privileges-*
  mapfile -t images < <(docker images --filter 'reference=trivet-lab/*' --format '{{.Repository}}:{{.Tag}}')
  if ((${#images[@]} > 0)); then quietly docker rmi "${images[@]}" || die "Docker cannot remove the lab's images (see above)"; fi
  say "the lab's images and the registry's storage are gone"
}

run_down() {
  local all=no purge=no lab
  while (($# > 0)); do
    case $1 in
      --all) all=yes ;;
      --purge) purge=yes ;;
      *) usage_error "'$1' is not an option of down" ;;
    esac
    shift
  done
  [[ $all == yes || $purge == no ]] || usage_error "--purge goes with --all: images are shared by all labs"
  if ! docker version > /dev/null 2>&1; then
    # Its containers and networks are still with the daemon, so the state may not be forgotten.
    if [[ -z $(all_labs) ]]; then return; fi
    "$LAB_HOME/docker-daemon" ensure
  fi
  if [[ $all == no ]]; then
    with_lock "lab-$LAB" take_down
    return
  fi
  for lab in $(all_labs); do
    select_lab "$lab"
    with_lock "lab-$LAB" take_down
  done
  if [[ $purge == yes ]]; then with_lock images purge; fi
  "$LAB_HOME/docker-daemon" stop
}
