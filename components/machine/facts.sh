#!/usr/bin/env bash
# Measures one machine and refuses it where the platform cannot run. Changes nothing.
# Arguments: machine, least memory in MiB, least free disk in MiB, private address (not looked for
# when empty), any text (another one measures again), root of the file system (another one in tests).
export MACHINE=$1
min_memory=$2 min_disk=$3 private_address=$4 root=${6:-}

supported="use Debian 12 or newer, or Ubuntu 22.04 or newer"
[ -r "$root/etc/os-release" ] || fail "has no /etc/os-release: $supported"
os_field() {
  sed -n "s/^$1=//p" "$root/etc/os-release" | tr -d "\"'" | tr -cd 'A-Za-z0-9._-' | head -c 64
}
os_id=$(os_field ID)
os_version=$(os_field VERSION_ID)
case $os_id in
  debian) oldest=12 ;;
  ubuntu) oldest=22.04 ;;
  *) fail "runs ${os_id:-an unknown system} ${os_version}, which is not supported: $supported" ;;
esac
[[ $os_version =~ ^[0-9]+(\.[0-9]+)?$ ]] ||
  fail "runs $os_id without a version number (testing or unstable), which is not supported: $supported"
# 22.04 and 22.10 compare as numbers once the dot is gone; Debian has no second part.
[ "${os_version//./}" -ge "${oldest//./}" ] ||
  fail "runs $os_id $os_version, which is too old: $supported"

architecture=$(uname -m)
case $architecture in
  x86_64 | aarch64) ;;
  *) fail "has the architecture $architecture: only x86_64 and aarch64 are supported" ;;
esac
[ -d "$root/run/systemd/system" ] || fail "is not run by systemd: $supported as it is delivered"

# Clouds that translate addresses show another one inside, which nothing here could listen on.
if [ -n "$private_address" ]; then
  command -v ip > /dev/null || fail "has no command ip: apt-get install iproute2"
  addresses=$(ip -o -4 addr show | awk '$2 !~ /^(lo|docker.*)$/ { sub("/.*", "", $4); print $4 }')
  grep -Fx -e "$private_address" <<< "$addresses" > /dev/null ||
    fail "no interface has the private address $private_address (found: $(paste -sd, <<< "${addresses:-none}" | sed 's/,/, /g')): set privateAddress to the one that the other machines reach"
fi

number_in() {
  local text
  text=$(cat "$1" 2> /dev/null) || return 1
  [[ $text =~ ^[0-9]{1,18}$ ]] && printf '%s' "$text"
}

# A container or slice may have less than the kernel shows; a limit above that is none.
memory=$(awk '$1 == "MemTotal:" { print int($2 / 1024) }' "$root/proc/meminfo")
for file in memory/memory.limit_in_bytes memory.max; do
  if limit=$(number_in "$root/sys/fs/cgroup/$file") && ((limit / 1048576 < memory)); then
    memory=$((limit / 1048576))
  fi
done

cores=$(nproc)
quota='' period=''
if [ -r "$root/sys/fs/cgroup/cpu.max" ]; then
  read -r quota period < "$root/sys/fs/cgroup/cpu.max"
elif quota=$(number_in "$root/sys/fs/cgroup/cpu/cpu.cfs_quota_us"); then
  period=$(number_in "$root/sys/fs/cgroup/cpu/cpu.cfs_period_us") || period=''
fi
if [[ $quota =~ ^[0-9]+$ && $period =~ ^[1-9][0-9]*$ ]]; then
  share=$(((quota + period / 2) / period))
  if ((share < 1)); then share=1; fi
  if ((share < cores)); then cores=$share; fi
fi

disk=$(df -Pk "$root/var/lib" | awk 'NR == 2 { print int($4 / 1024) }')
((memory >= min_memory)) ||
  fail "has $memory MiB of memory, needs $min_memory: use a larger machine"
((disk >= min_disk)) ||
  fail "has $disk MiB free at /var/lib, needs $min_disk: free some or use a larger disk"

printf '{"memoryMiB":%d,"cores":%d,"os":{"id":"%s","versionId":"%s"},' \
  "$memory" "$cores" "$os_id" "$os_version"
printf '"diskFreeMiB":%d,"kernel":"%s","architecture":"%s"}\n' \
  "$disk" "$(uname -r | tr -cd 'A-Za-z0-9._+~-')" "$architecture"
