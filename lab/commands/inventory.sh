# shellcheck shell=bash

help_inventory() {
  cat << 'TEXT'
Usage: ./scripts/lab inventory [--path] [--lab NAME]

Prints the lab's inventory: addresses, login, host keys, registry. With --path only where the file is.
TEXT
}

run_inventory() {
  require_lab
  case ${1:-} in
    "") cat "$STATE/inventory.json" ;;
    --path) echo "$STATE/inventory.json" ;;
    *) usage_error "'$1' is not an option of inventory" ;;
  esac
}
