#!/usr/bin/env bash
# Installs keepalived where it is missing, and gives it its configuration.
# Arguments: machine, its address for the others, interface of the floating address or "", host name that nginx
# serves, path of the check, first line of a configuration that may be written over. Standard input: base64 of the
# check and of the configuration, a line each. Prints "answers" or "silent": whether nginx does.
export MACHINE=$1
own=$2 interface=$3 host=$4 check=$5 mark=$6

conf=/etc/keepalived/keepalived.conf
read -r check_text
read -r conf_text

interfaces=$(ip -o -4 addr show | awk '{ sub("/.*", "", $4); print $4, $2 }')
own_interface=$(awk -v own="$own" '$1 == own && !found { found = $2 } END { print found }' <<< "$interfaces")
[ -n "$own_interface" ] ||
  fail "no interface has the private address $own: set privateAddress to the one that the other machines reach"
if [ -n "$interface" ]; then
  ip link show dev "$interface" > /dev/null 2>&1 ||
    fail "has no interface $interface (with an IPv4 address: $(awk '{ print $2 }' <<< "$interfaces" | sort -u | paste -sd, | sed 's/,/, /g')): set interface to the one that the address belongs on"
else
  interface=$own_interface
fi
if [ -s "$conf" ]; then
  read -r first < "$conf" || true
  [ "$first" = "$mark" ] ||
    fail "$conf was not written by Trivet: move it away if keepalived is used for nothing else there"
fi

missing=()
command -v keepalived > /dev/null || missing+=(keepalived)
command -v curl > /dev/null || missing+=(curl)
if ((${#missing[@]} > 0)); then apt_install "${missing[@]}"; fi

put_file "$check" "$(base64 -d <<< "$check_text")" 0755 || true
if put_file /etc/systemd/system/keepalived.service.d/50-trivet.conf "[Service]
Restart=on-failure
RestartSec=1" 0644; then
  systemctl daemon-reload
fi

rm -f "$conf.new"
text=$(base64 -d <<< "$conf_text")
text=${text//@OWN_INTERFACE@/$own_interface}
# Holds the password, so it is nobody else's from the start.
(umask 077 && printf '%s\n' "${text//@ADDRESS_INTERFACE@/$interface}" > "$conf.new")
if ! problem=$(keepalived --config-test --use-file "$conf.new" 2>&1); then
  rm -f "$conf.new"
  fail "keepalived refuses its configuration, the one before stays: $problem"
fi
mv "$conf.new" "$conf"

systemctl is-enabled --quiet keepalived || systemctl enable --quiet keepalived
if systemctl is-active --quiet keepalived; then
  # Also when the file was so already: a run that broke off may have left it unread.
  systemctl reload keepalived
else
  systemctl reset-failed keepalived 2> /dev/null || true
  systemctl start keepalived || fail "keepalived does not start: see journalctl -u keepalived"
fi

deadline=$((SECONDS + 10))
until "$check" "$own" "$host"; do
  if ((SECONDS >= deadline)); then
    printf 'silent\n'
    exit 0
  fi
  sleep 0.5
done
printf 'answers\n'
