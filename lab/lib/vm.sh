# shellcheck shell=bash
# shellcheck disable=SC2153 # STATE comes from select_lab
# One stand-in VM: a container that runs systemd, sshd and whatever is installed in it later.

# Everything but SYS_RESOURCE: that is what is left to a container engine that itself runs in a restricted machine.
CAPABILITIES=(LINUX_IMMUTABLE NET_BROADCAST NET_ADMIN IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
  SYS_NICE SYS_TIME SYS_TTY_CONFIG LEASE AUDIT_CONTROL MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ DAC_READ_SEARCH)
# What must outlive a container: the engine's data, and the platform's.
VOLUMES=(docker:/var/lib/docker containerd:/var/lib/containerd trivet:/var/lib/trivet)

vm_container() { printf 'trivet-lab-%s-%s' "$LAB" "$1"; }

# running, paused, exited, created, or absent
vm_state() {
  container_state "$(vm_container "$1")"
}

# Sorted names of the lab's machines, running or not.
lab_machines() {
  docker ps --all --filter "label=$LABEL=$LAB" --filter label=trivet.lab.machine --format '{{.Label "trivet.lab.machine"}}' | sort -V
}

require_machine() {
  [[ $(vm_state "$1") != absent ]] || die "lab '$LAB' has no $1: its machines are $(lab_machines | tr '\n' ' ')"
}

# Whether --privileged is allowed depends on the engine alone, so the answer is kept with the engine's identity.
find_privileges() {
  local engine remembered
  engine=$(docker info --format '{{.ID}}' | tr -c 'A-Za-z0-9\n' _)
  remembered=$CACHE/labs/.privileges-$engine
  if [[ ! -f $remembered ]]; then
    mkdir -p "$CACHE/labs"
    if docker run --rm --privileged --label "$LABEL=$LAB" --entrypoint true "$VM_IMAGE" > /dev/null 2>&1; then
      echo privileged > "$remembered"
    else
      echo capabilities > "$remembered"
    fi
  fi
  PRIVILEGES=()
  if [[ $(cat "$remembered") == privileged ]]; then
    PRIVILEGES=(--privileged)
  else
    PRIVILEGES=(--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined
      "--device-cgroup-rule=a *:* rwm" "${CAPABILITIES[@]/#/--cap-add=}")
  fi
  if [[ $(docker info --format '{{.CgroupVersion}}') == 1 ]]; then
    PRIVILEGES+=(--env "SYSTEMD_PROC_CMDLINE=systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1")
  fi
}

# Name servers that are reachable from another network namespace; none when all are on the loopback.
outer_resolvers() {
  local file
  for file in /etc/resolv.conf /run/systemd/resolve/resolv.conf; do
    if [[ -r $file ]] && grep -E '^nameserver ' "$file" | grep -vE ' (127\.|::1)'; then return; fi
  done
}

# What differs from machine to machine, as a tar for the new container's file system.
personal_files() {
  local vm=$1 root
  root=$(mktemp -d)
  mkdir -p "$root/etc/ssh" "$root/etc/lab" "$root/home/ops/.ssh"
  cp "$STATE/keys/$vm" "$root/etc/ssh/ssh_host_ed25519_key"
  cp "$STATE/keys/$vm.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
  cp "$STATE/keys/lab.pub" "$root/home/ops/.ssh/authorized_keys"
  outer_resolvers > "$root/etc/lab/resolv.conf" || true
  printf '%s\n' "$vm" > "$root/etc/hostname"
  chmod 600 "$root/etc/ssh/ssh_host_ed25519_key" "$root/home/ops/.ssh/authorized_keys"
  tar -C "$root" --numeric-owner --owner 0 --group 0 -c etc/ssh/ssh_host_ed25519_key etc/ssh/ssh_host_ed25519_key.pub etc/lab
  rm -rf "$root"
}

login_key() {
  local root
  root=$(mktemp -d)
  install -m 600 "$STATE/keys/lab.pub" "$root/authorized_keys"
  tar -C "$root" --numeric-owner --owner 1000 --group 1000 -c authorized_keys
  rm -rf "$root"
}

# Engines before API 1.44 take no MAC for a network of one's own; they make the same one from the address.
takes_mac_address() {
  local version
  version=$(docker version --format '{{.Server.APIVersion}}')
  ((${version%%.*} > 1 || ${version##*.} >= 44))
}

# create_vm VM [docker's resource options …]
create_vm() {
  local vm=$1 volume options=()
  shift
  for volume in "${VOLUMES[@]}"; do
    docker volume create --label "$LABEL=$LAB" "$(vm_container "$vm")-${volume%%:*}" > /dev/null
    options+=(--volume "$(vm_container "$vm")-$volume")
  done
  if takes_mac_address; then options+=(--mac-address "$(vm_mac "$vm")"); fi
  docker create --name "$(vm_container "$vm")" --hostname "$vm" --label "$LABEL=$LAB" --label "trivet.lab.machine=$vm" \
    --label "trivet.lab.state=$STATE" \
    --network "$(network_name)" --ip "$(vm_address "$vm")" \
    --cgroupns=private --tmpfs /run --tmpfs /run/lock --tmpfs /tmp:exec --shm-size 1g "${PRIVILEGES[@]}" "${options[@]}" "$@" \
    "$VM_IMAGE" > /dev/null || die "Docker cannot make $vm (see above)"
  make_host_key "$vm"
  personal_files "$vm" | docker cp - "$(vm_container "$vm"):/"
  login_key | docker cp - "$(vm_container "$vm"):/home/ops/.ssh"
}

# Brings the container to 'running' from whatever state it is in. A machine that reboots itself comes back by its restart policy.
start_container() {
  case $(vm_state "$1") in
    running) ;;
    paused) docker unpause "$(vm_container "$1")" > /dev/null ;;
    *)
      docker update --restart on-failure "$(vm_container "$1")" > /dev/null
      docker start "$(vm_container "$1")" > /dev/null || die "Docker cannot start $1 (see above)"
      ;;
  esac
}

ssh_options() {
  printf '%s\n' -F none -i "$STATE/keys/lab" -o IdentitiesOnly=yes -o BatchMode=yes -o "UserKnownHostsFile=$STATE/known_hosts" \
    -o StrictHostKeyChecking=yes -o LogLevel=ERROR -o ConnectTimeout=3
}

vm_ssh() {
  local vm=$1 options
  shift
  mapfile -t options < <(ssh_options)
  # shellcheck disable=SC2029 # the command is written here
  ssh "${options[@]}" "ops@$(vm_address "$vm")" "$@"
}

# Up means what it means for a rented machine: a login works and systemd has finished its start.
wait_for_vm() {
  local vm=$1 limit=${2:-60} deadline state=""
  deadline=$((SECONDS + limit))
  while ((SECONDS < deadline)); do
    if [[ $(vm_state "$vm") != running ]]; then
      docker logs --tail 10 "$(vm_container "$vm")" >&2 || true
      die "$vm stopped while it started (see above): see ./scripts/lab check"
    fi
    # A system with a failed unit is up as well, as on any machine; the state is reported.
    state=$(vm_ssh "$vm" sudo timeout 20 systemctl is-system-running --wait 2> /dev/null) || true
    case $state in
      running) return ;;
      degraded)
        say "$vm is up with failed units: $(vm_ssh "$vm" systemctl list-units --failed --plain --no-legend | cut -d ' ' -f 1 | tr '\n' ' ')"
        return
        ;;
    esac
    sleep 0.1
  done
  die "$vm does not answer over SSH after $limit s (systemd: ${state:-unknown}): docker logs $(vm_container "$vm")"
}
