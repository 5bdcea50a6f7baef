# shellcheck shell=bash
# Addresses. A lab has one /24: gateway .1, registry .2, vmN .(10+N).

POOL=${TRIVET_LAB_POOL:-10.77}

network_name() { printf 'trivet-lab-%s' "$LAB"; }
# The kernel takes at most 15 characters, and several labs must differ in them.
bridge_name() { printf 'trivet%s' "$SUBNET_INDEX"; }
subnet() { printf '%s.%s.0/24' "$POOL" "$SUBNET_INDEX"; }
gateway() { printf '%s.%s.1' "$POOL" "$SUBNET_INDEX"; }
registry_address() { printf '%s.%s.2' "$POOL" "$SUBNET_INDEX"; }
vm_address() { printf '%s.%s.%s' "$POOL" "$SUBNET_INDEX" "$((10 + ${1#vm}))"; }
# Fixed, so that faults can be given by MAC whether the machine runs or not. Made from the address as older engines do by themselves.
vm_mac() {
  local a b c d
  IFS=. read -r a b c d <<< "$(vm_address "$1")"
  printf '02:42:%02x:%02x:%02x:%02x' "$a" "$b" "$c" "$d"
}

# True when one of the routes on stdin ("a.b.c.d/n …" per line) lies in a.b.c.0/24.
subnet_is_routed() {
  grep -q "^${1%.0/24}\."
}

create_network() {
  local index candidate error routes
  routes=$(ip -4 route show 2> /dev/null || true)
  for index in $(seq 0 255); do
    SUBNET_INDEX=$index
    candidate=$(subnet)
    if subnet_is_routed "$candidate" <<< "$routes"; then continue; fi
    if error=$(docker network create --label "$LABEL=$LAB" --subnet "$candidate" --gateway "$(gateway)" \
      --opt "com.docker.network.bridge.name=$(bridge_name)" "$(network_name)" 2>&1 > /dev/null); then
      printf 'pool=%s\nsubnet_index=%s\n' "$POOL" "$index" > "$STATE/settings"
      return
    fi
    [[ $error != *"name $(network_name) already exists"* ]] ||
      die "the folder of lab '$LAB' is gone, but not its network: ./scripts/lab down --lab $LAB removes what is left, then up again"
    # Docker knows its own networks better than any check made here: taken ones are passed over.
    [[ $error == *overlap* || $error == *"already exists"*bridge* || $error == *"conflicts with network"* ]] ||
      die "Docker cannot make the lab's network: $error"
  done
  die "no free /24 in $POOL.0.0/16 for the lab: give another first half with TRIVET_LAB_POOL, for example 10.88"
}

ensure_network() {
  mkdir -p "$STATE"
  if lab_exists; then
    load_settings
    if docker network inspect "$(network_name)" > /dev/null 2>&1; then return; fi
    # Docker forgot the network (its data was removed): the same addresses if they are free.
    docker network create --label "$LABEL=$LAB" --subnet "$(subnet)" --gateway "$(gateway)" \
      --opt "com.docker.network.bridge.name=$(bridge_name)" "$(network_name)" > /dev/null ||
      die "the lab's subnet $(subnet) is taken by now: ./scripts/lab down --lab $LAB, then up again"
  else
    create_network
  fi
}

# Runs nft or ip in Docker's own network namespace, which root on this machine may not even be in (rootless, remote).
in_host_network() {
  docker run --rm -i --network host --cap-add NET_ADMIN --label "$LABEL=$LAB" --entrypoint "$1" "$VM_IMAGE" "${@:2}"
}

# Where a cloud's router answers for a dead machine, a bridge would let ARP fail, and a connect() would end after 3 s with
# "no route to host" instead of meeting silence. Fixed neighbours make a dead machine as silent as in a cloud.
fix_neighbours() {
  local vm peer script=""
  for peer in "$@"; do
    script+="neigh replace $(vm_address "$peer") lladdr $(vm_mac "$peer") nud permanent dev eth0"$'\n'
  done
  script=${script%$'\n'}
  for vm in "$@"; do
    if [[ $(vm_state "$vm") == running ]]; then
      # Kept in the machine too, for when it reboots.
      { grep -v " $(vm_address "$vm") " <<< "$script" || true; } |
        docker exec -i "$(vm_container "$vm")" sh -c 'cat > /etc/lab/neighbours && ip -batch /etc/lab/neighbours' &
    fi
  done
  in_host_network ip -batch - <<< "${script// dev eth0/ dev $(bridge_name)}" &
  wait
}
