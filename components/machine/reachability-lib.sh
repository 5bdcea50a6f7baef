#!/usr/bin/env bash
# Ends the listener whose process identity is in the file "$1", if it still is one.
end_listener() {
  local pid
  pid=$(cat "$1" 2> /dev/null) || return 0
  if is_listener "$pid" && kill "$pid"; then
    for _ in {1..100}; do
      is_listener "$pid" || break
      sleep 0.05
    done
  fi
  rm -f "$1"
}

is_listener() {
  [[ $1 =~ ^[1-9][0-9]*$ ]] && grep -q '^trivet-reachability' "/proc/$1/cmdline" 2> /dev/null
}

# Trivet's own firewall, where there is one, does not know a machine that is about to come: "$1" are the addresses of all,
# comma-separated. Whoever does not close it again has closed it after two minutes: addresses in the set expire.
open_firewall() {
  nft list table inet trivet > /dev/null 2>&1 || return 0
  close_firewall
  nft -f - << NFT
add set inet trivet trying { type ipv4_addr; flags timeout; timeout 2m; }
add element inet trivet trying { ${1//,/, } }
insert rule inet trivet input ip saddr @trying accept
NFT
}

close_firewall() {
  local handle
  for handle in $(nft -a list chain inet trivet input 2> /dev/null | sed -n 's/.* @trying .*# handle //p'); do
    nft delete rule inet trivet input handle "$handle"
  done
  if nft list set inet trivet trying > /dev/null 2>&1; then nft delete set inet trivet trying; fi
}
