# shellcheck shell=bash
# Which stacks run on stand-in machines.

# Prints how many machines a local stack has; fails for any other stack.
local_machines() {
  case $1 in
    local) echo 1 ;;
    *) return 1 ;;
  esac
}
