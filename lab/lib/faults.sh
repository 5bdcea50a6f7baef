# shellcheck shell=bash
# Faults as peers see them. A file says which machines are cut off, one fault a line:
#   down VM        killed or paused: every frame from and to it is dropped
#   isolate VM     runs, and every frame from and to it is dropped
#   peers VM       runs, reaches the outside and the registry, no other machine of the lab
#   from VM PEER   the two do not reach each other
# The firewall is always rendered from that file as a whole. It works on frames (nftables' bridge family): frames between
# machines on one bridge need not pass iptables, and no FIN, RST or ICMP of a dying machine gets out.

faults_file() { printf '%s/faults' "$STATE"; }
faults_table() { printf 'trivet_lab_%s' "${LAB//-/_}"; }

# render_faults < faults: the nftables script that puts them in force.
render_faults() {
  local kind vm peer table
  table=$(faults_table)
  printf 'add table bridge %s\ndelete table bridge %s\ntable bridge %s {\n' "$table" "$table" "$table"
  printf '  chain arriving {\n    type filter hook prerouting priority -310;\n'
  local leaving="" between=""
  while read -r kind vm peer; do
    case $kind in
      down | isolate)
        printf '    ether saddr %s drop\n' "$(vm_mac "$vm")"
        leaving+="    ether daddr $(vm_mac "$vm") drop"$'\n'
        ;;
      peers)
        between+="    ether saddr $(vm_mac "$vm") drop"$'\n'"    ether daddr $(vm_mac "$vm") drop"$'\n'
        ;;
      from)
        between+="    ether saddr $(vm_mac "$vm") ether daddr $(vm_mac "$peer") drop"$'\n'
        between+="    ether saddr $(vm_mac "$peer") ether daddr $(vm_mac "$vm") drop"$'\n'
        ;;
    esac
  done
  printf '  }\n  chain leaving {\n    type filter hook postrouting priority -310;\n%s  }\n' "$leaving"
  printf '  chain between {\n    type filter hook forward priority -310;\n'
  printf '    ip saddr %s accept\n    ip daddr %s accept\n' "$(registry_address)" "$(registry_address)"
  printf '    arp saddr ip %s accept\n    arp daddr ip %s accept\n' "$(registry_address)" "$(registry_address)"
  printf '%s  }\n}\n' "$between"
}

apply_faults() {
  touch "$(faults_file)"
  render_faults < "$(faults_file)" | in_host_network nft -f - || die "the faults cannot be put in force: nftables refused them (see above)"
}

add_fault() {
  touch "$(faults_file)"
  if ! grep -qxF "$*" "$(faults_file)"; then echo "$*" >> "$(faults_file)"; fi
  apply_faults
}

# remove_faults PATTERN: an extended regular expression for whole lines.
remove_faults() {
  touch "$(faults_file)"
  if grep -qxE "$1" "$(faults_file)"; then
    { grep -vxE "$1" "$(faults_file)" || true; } > "$(faults_file).new"
    mv "$(faults_file).new" "$(faults_file)"
    apply_faults
  fi
}

# In words, for the status table.
faults_of() {
  touch "$(faults_file)"
  awk -v vm="$1" '
    $1 == "down" && $2 == vm { print "cut off" }
    $1 == "isolate" && $2 == vm { print "isolated" }
    $1 == "peers" && $2 == vm { print "isolated from peers" }
    $1 == "from" && $2 == vm { print "isolated from " $3 }
    $1 == "from" && $3 == vm { print "isolated from " $2 }' "$(faults_file)" | paste -sd , - | sed 's/,/, /g'
}

drop_faults_table() {
  if [[ -f $(faults_file) ]]; then
    printf 'add table bridge %s\ndelete table bridge %s\n' "$(faults_table)" "$(faults_table)" | in_host_network nft -f - || true
  fi
}
