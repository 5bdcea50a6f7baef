# shellcheck shell=bash disable=SC2154
# Node.js and the packages of package-lock.json.

# node_major: the major version of node on PATH; 0 without one.
node_major() {
  local version
  version=$(node --version 2>/dev/null) || version=v0
  version=${version#v}
  printf '%s' "${version%%.*}"
}

# need_node: fails with what to do, after trying the distribution's package where that needs no
# question and is new enough.
need_node() {
  local major candidate log=$cache_dir/toolchain/apt.log advice
  major=$(node_major)
  ((major < NODE_MINIMUM)) || { need_npm && return; }
  if [[ $major == 0 && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    mkdir -p "$cache_dir/toolchain"
    with_progress "Node.js is not installed: asking the distribution" "$log" still_running apt-get update || true
    candidate=$(apt-cache policy nodejs | sed -n 's/^ *Candidate: \([0-9]*:\)*\([0-9]*\).*/\2/p')
    if ((${candidate:-0} >= NODE_MINIMUM)); then
      with_progress "installing the distribution's nodejs $candidate" "$log" still_running \
        apt_install nodejs npm || say "the installation failed: $(last_words "$log")"
    fi
    major=$(node_major)
    ((major < NODE_MINIMUM)) || { need_npm && return; }
  fi
  advice="install Node.js $NODE_MINIMUM or newer (nodejs.org, or a version manager such as nvm), have it on PATH, and run again"
  [[ $major == 0 ]] && fail "Node.js is missing: $advice"
  fail "Node.js $major is too old: $advice"
}

need_npm() {
  command -v npm >/dev/null || fail "npm is missing beside Node.js: install npm, have it on PATH, and run again"
}

packages_current() {
  (cd "$repository_dir" && node "$toolchain_dir/lib/modules-current.mjs")
}

# need_packages: node_modules as package-lock.json says.
need_packages() {
  local lock=$repository_dir/package-lock.json stamp=$repository_dir/node_modules/.trivet-lock sum log
  sum=$(short_hash <"$lock")
  [[ ! -f $stamp || $(cat "$stamp") != "$sum" ]] || return 0
  if ! packages_current; then
    log=$cache_dir/toolchain/npm.log
    take_lock
    # Another run may have done it while this one waited.
    packages_current || with_progress "installing the packages of package-lock.json" "$log" still_running \
      npm ci --prefix "$repository_dir" --ignore-scripts --no-audit --no-fund --loglevel=error ||
      fail "npm ci failed ($(last_words "$log")): look into $log, check the network and npm's registry setting, and run again"
    exec 9>&-
  fi
  printf '%s' "$sum" >"$stamp"
}
