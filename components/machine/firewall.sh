#!/usr/bin/env bash
# Puts rules in force without ever shutting out the one who does it.
#   stage:   loads the rules, to be withdrawn after 60 s unless they are confirmed
#   confirm: called over a new connection, which proves that SSH still gets in: makes them permanent
# Arguments: stage or confirm, machine, port of SSH, rules.
export MACHINE=$2
mode=$1 ssh_port=$3 rules=$4

folder=/etc/trivet
active=$folder/firewall.nft
pending=$folder/firewall.pending.nft
rollback=trivet-firewall-rollback
withdraw="if [ -e $active ]; then nft -f $active; else nft delete table inet trivet; fi; rm -f $pending"

# The connection that runs this script: "client-address client-port server-address server-port". sudo
# clears the environment, so ask the processes above as well.
ssh_connection() {
  local pid=$$ found
  while [ "${pid:-0}" -gt 1 ]; do
    found=$(tr '\0' '\n' < "/proc/$pid/environ" 2> /dev/null | sed -n 's/^SSH_CONNECTION=//p' | head -n 1) || true
    if [ -n "$found" ]; then
      printf '%s' "$found"
      return 0
    fi
    pid=$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status")
  done
}

disarm() {
  systemctl stop "$rollback.timer" 2> /dev/null || true
}

load_for_now() {
  printf '%s\n' "$rules" > "$pending"
  chmod 0600 "$pending"
  local problem
  if ! problem=$(nft -c -f "$pending" 2>&1); then
    rm -f "$pending"
    fail "nftables refuses the rules, nothing was changed: $problem"
  fi
  disarm
  systemd-run --quiet --collect --unit "$rollback" --on-active 60 --timer-property AccuracySec=1s \
    /bin/sh -c "$withdraw"
  nft -f "$pending"
}

# The rules judge every packet to the port of SSH, of open connections too. So if the other side still
# confirms what is sent to it, a new connection gets through as well.
prove_reachable() {
  local client_port server_port deadline=$((SECONDS + 10))
  read -r _ client_port _ server_port <<< "$1"
  printf 'rules loaded\n'
  sleep 0.3
  until ss -Htn "sport = :$server_port and dport = :$client_port" | awk '$3 > 0 { n++ } END { exit n > 0 }'; do
    if ((SECONDS >= deadline)); then
      disarm
      sh -c "$withdraw"
      fail "the rules would shut out the connection that sets them and were withdrawn: add its address to sshFrom"
    fi
    sleep 0.2
  done
}

load_and_prove() {
  local connection
  connection=$(ssh_connection)
  [ -n "$connection" ] || fail "the firewall is to be set over SSH: only so is it certain that SSH still gets in"
  [ "${connection##* }" = "$ssh_port" ] ||
    fail "sshd answers at port ${connection##* }, the rules open $ssh_port: set sshPort to ${connection##* }"
  load_for_now
  prove_reachable "$connection"
}

make_permanent() {
  local load folder=/etc/systemd/system
  load="$(command -v nft) -f $active"
  put_file "$folder/trivet-firewall.service" "[Unit]
Description=Trivet's firewall (nftables table inet trivet)
DefaultDependencies=no
Wants=network-pre.target
After=nftables.service
Before=network-pre.target docker.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=$load
ExecReload=$load

[Install]
WantedBy=multi-user.target" 0644 || true
  # The distribution's service empties the whole ruleset when it starts or reloads.
  put_file "$folder/nftables.service.d/50-trivet.conf" "[Service]
ExecStartPost=$load
ExecReload=$load" 0644 || true
  # Whatever else emptied it since: no port of a container opens without the rules.
  put_file "$folder/docker.service.d/50-trivet-firewall.conf" "[Service]
ExecStartPre=$load" 0644 || true
  systemctl daemon-reload
  mv "$pending" "$active"
  disarm
  # The timer may have run between the first look and now; these rules were proved, so load them again.
  nft -f "$active"
  systemctl enable --quiet trivet-firewall.service
  systemctl restart trivet-firewall.service
}

[ -d /run/systemd/system ] || fail "is not run by systemd, which loads the rules at boot"
command -v nft > /dev/null || apt_install nftables
mkdir -p "$folder"
case $mode in
  stage) load_and_prove ;;
  confirm)
    if [ -f "$pending" ] && printf '%s\n' "$rules" | cmp -s - "$pending"; then
      make_permanent
    elif [ -f "$active" ] && printf '%s\n' "$rules" | cmp -s - "$active" && nft list table inet trivet > /dev/null 2>&1; then
      :
    else
      # Nobody came back in time, and the rules were withdrawn.
      load_and_prove
      make_permanent
    fi
    printf 'rules in force\n'
    ;;
  *) fail "firewall: $mode is not stage or confirm" ;;
esac
