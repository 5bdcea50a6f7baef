# shellcheck shell=bash
# Which stacks run on stand-in machines.

# Prints how many machines a local stack has; fails for any other stack.
local_machines() {
  case $1 in
    local) echo 1 ;;
    local-ha) echo 3 ;;
    *) return 1 ;;
  esac
}

# Local stacks keep their state in the cache; any other stack's lies where its operator signed in.
choose_state() {
  if local_machines "$1" > /dev/null; then export TRIVET_OWN_STATE=true; fi
}
