#!/usr/bin/env bash
# Sets kernel parameters for now and for every boot, then reads them back.
# Arguments: machine, sysctl.d file (a key with "-" in front may be missing), drop-in for Docker, limit.
export MACHINE=$1
conf=$2 drop_in=$3 limit=$4
conf_file=/etc/sysctl.d/90-trivet.conf
problems=()

words() {
  tr -s '[:space:]' ' ' | sed 's/^ //; s/ $//'
}

# Sets one key live and compares what the kernel then says. Prints "key = value".
apply_key() {
  local key=$1 wanted=$2 optional=$3 path=/proc/sys/${1//.//} found
  if [ ! -e "$path" ]; then
    [ -n "$optional" ] || problems+=("$key: the kernel $(uname -r) has no such key, wanted $wanted")
    return 0
  fi
  # Writing what is there already may be refused where the key is read-only: not a difference.
  found=$(words < "$path")
  if [ "$found" != "$wanted" ]; then
    { printf '%s\n' "$wanted" > "$path"; } 2> /dev/null || true
    found=$(words < "$path")
  fi
  if [ "$found" = "$wanted" ]; then
    printf '%s = %s\n' "$key" "$found"
  else
    problems+=("$key: the kernel refuses it, wanted $wanted, found $found")
  fi
}

while IFS= read -r line; do
  [[ $line =~ ^(-?)([^#=[:space:]-][^=[:space:]]*)\ =\ (.*)$ ]] || continue
  apply_key "${BASH_REMATCH[2]}" "$(words <<< "${BASH_REMATCH[3]}")" "${BASH_REMATCH[1]}"
done <<< "$conf"
if ((${#problems[@]} > 0)); then
  fail "kernel parameters could not be set: $(printf '%s; ' "${problems[@]}")set another value or leave the key out"
fi
put_file "$conf_file" "$conf" 0644 || true

# A file that sorts after ours would win at the next boot, and nobody would know why.
for systemd_sysctl in /usr/lib/systemd/systemd-sysctl /lib/systemd/systemd-sysctl; do
  [ -x "$systemd_sysctl" ] && break
done
# The colour codes go because some versions print them into a pipe as well.
overrides=$("$systemd_sysctl" --cat-config 2> /dev/null | sed 's/\x1b\[[0-9;]*m//g' | awk -v ours="$conf_file" '
  /^# \// { file = $2; next }
  /^[ \t]*[#;]/ || !/=/ { next }
  {
    key = $0; sub(/=.*/, "", key); gsub(/[ \t]/, "", key); sub(/^-/, "", key)
    if (key ~ /^[^.]*\//) gsub("/", ".", key)
    value = $0; sub(/^[^=]*=/, "", value); gsub(/[ \t]+/, " ", value); gsub(/^ | $/, "", value)
    if (file == ours) wanted[key] = value
    else if (key in wanted && wanted[key] != value) printf "%s = %s in %s; ", key, value, file
  }')
[ -z "$overrides" ] ||
  fail "another file would win at the next boot: ${overrides}remove the line there or set the same value"

# Containers inherit the limit of containerd, which starts them, and dockerd has its own.
reachable=$limit hard=$(awk '/^Max open files/ { print $5 }' /proc/1/limits)
# In a container systemd may not raise a limit over its own: a restart would not change that.
capabilities=$(awk '$1 == "CapEff:" { print $2 }' /proc/1/status)
if (((0x$capabilities >> 24 & 1) == 0 && hard < limit)); then reachable=$hard; fi
reload=no
for unit in docker containerd; do
  if put_file "/etc/systemd/system/$unit.service.d/50-trivet-limits.conf" "$drop_in" 0644; then reload=yes; fi
done
if [ "$reload" = yes ]; then systemctl daemon-reload; fi
for unit in docker containerd; do
  pid=$(systemctl show --property MainPID --value "$unit.service")
  if [ "${pid:-0}" != 0 ] && [ -r "/proc/$pid/limits" ]; then
    now=$(awk '/^Max open files/ { print $4 "/" $5 }' "/proc/$pid/limits")
    # Restarting would end every container of the machine: that is for the operator to choose.
    if [ "$now" != "$reachable/$reachable" ]; then printf 'restart-pending = %s\n' "$unit"; fi
  fi
done
