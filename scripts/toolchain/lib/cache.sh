# shellcheck shell=bash disable=SC2034
# Where things are kept, outside the checkout.
#
#   pieces/NAME-HASH/   one built or downloaded part each, shared by all checkouts
#   KEY/                one checkout's toolchain: bin/, home/ (PULUMI_HOME), state, origin.json

toolchain_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
repository_dir=$(cd "$toolchain_dir/../.." && pwd -P)
cache_dir=${TRIVET_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/trivet}
if [[ $cache_dir == /.cache/trivet ]]; then
  fail "neither HOME nor TRIVET_CACHE is set: set TRIVET_CACHE to a folder with $BUILD_DISK_GB GB of space"
fi
pieces_dir=$cache_dir/toolchain/pieces

# The first 16 hex digits of the SHA-256 of stdin.
short_hash() {
  local sum
  if command -v sha256sum >/dev/null; then sum=$(sha256sum); else sum=$(shasum -a 256); fi
  printf '%s' "${sum:0:16}"
}

# toolchain_key: changes with every pin and script of the toolchain, and with the checkout's path,
# because the stand-ins are run from there.
toolchain_key() {
  local found
  found=$(find "$toolchain_dir" -type f | LC_ALL=C sort)
  {
    printf '%s\n' "$repository_dir"
    # One process for all files; no name has a line break.
    printf '%s\n' "$found" | tr '\n' '\0' | xargs -0 cat
  } | short_hash
}

# free_gb PATH: free space in whole GB where PATH is, or where it will be made.
free_gb() {
  local path=$1
  while [[ ! -e $path ]]; do path=$(dirname "$path"); done
  df -Pk "$path" | awk 'NR == 2 { printf "%d", $4 / 1048576 }'
}

# need_disk GB PATH WHAT: fails when there is less free space than needed.
need_disk() {
  local free
  free=$(free_gb "$2")
  ((free >= $1)) ||
    fail "$2 has $free GB free, and $3 needs $1 GB: make room, or set $4 to a folder on a larger disk"
}

# take_lock: one run at a time changes the cache; released when the script ends.
take_lock() {
  mkdir -p "$cache_dir/toolchain"
  exec 9>"$cache_dir/toolchain/lock"
  # Not on macOS, where the vendor's plugins are downloaded and nothing long is built.
  command -v flock >/dev/null || return 0
  if ! flock -n 9; then
    say "another run is preparing the toolchain: waiting for it"
    flock 9
  fi
}

# operating_system, architecture: as Go and the vendor name them.
operating_system() {
  case $(uname -s) in
    Linux) printf linux ;;
    Darwin) printf darwin ;;
    *) fail "$(uname -s) is not supported: use Linux or macOS" ;;
  esac
}

architecture() {
  case $(uname -m) in
    x86_64 | amd64) printf amd64 ;;
    aarch64 | arm64) printf arm64 ;;
    *) fail "$(uname -m) machines are not supported: use amd64 or arm64" ;;
  esac
}
