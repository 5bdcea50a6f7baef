# shellcheck shell=bash
# What programs read about a lab. Every value is made of letters, digits and a few marks that JSON takes as they are.

machine_json() {
  local vm=$1 address
  address=$(vm_address "$vm")
  printf '    "%s": { "address": "%s", "privateAddress": "%s", "port": 22, "user": "ops", "hostKey": "%s" }' \
    "$vm" "$address" "$address" "$(public_host_key "$vm")"
}

render_inventory() {
  local vm separator=""
  printf '{\n  "lab": "%s",\n  "subnet": "%s",\n  "gateway": "%s",\n' "$LAB" "$(subnet)" "$(gateway)"
  printf '  "registry": "%s",\n  "machines": {\n' "$(registry_url)"
  for vm in "$@"; do
    printf '%b' "$separator"
    machine_json "$vm"
    separator=',\n'
  done
  printf '\n  },\n  "privateKeyPath": "%s",\n  "knownHostsPath": "%s"\n}\n' "$STATE/keys/lab" "$STATE/known_hosts"
}

# Replaced as a whole, so that a reader never meets half a file.
write_inventory() {
  local vm
  for vm in "$@"; do
    printf '%s %s\n' "$(vm_address "$vm")" "$(public_host_key "$vm")"
  done > "$STATE/known_hosts.new"
  mv "$STATE/known_hosts.new" "$STATE/known_hosts"
  render_inventory "$@" > "$STATE/inventory.json.new"
  mv "$STATE/inventory.json.new" "$STATE/inventory.json"
}
