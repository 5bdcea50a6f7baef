# shellcheck shell=bash disable=SC2154
# Go: found, installed, or fetched by an older one.

# go_version GO: like 1.25.11; empty when it does not run.
go_version() {
  local version
  version=$(cd / && GOTOOLCHAIN=local "$1" version 2>/dev/null) || return 0
  version=${version#go version go}
  printf '%s' "${version%% *}"
}

# find_go: sets go to one that is new enough, or old_go to the newest of the others.
find_go() {
  local candidate version newest=0
  go="" old_go=""
  for candidate in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go-*/bin/go /usr/lib/go/bin/go; do
    [[ -n $candidate && -x $candidate ]] || continue
    version=$(go_version "$candidate")
    if version_at_least "$version" "$GO_MINIMUM"; then
      go=$candidate
      return
    fi
    if version_at_least "$version" "$GO_BOOTSTRAP_MINIMUM" && version_at_least "$version" "$newest"; then
      old_go=$candidate
      newest=$version
    fi
  done
}

# fetch_go: an older Go gets the one that is needed as a module, checked by Go's checksum database.
fetch_go() {
  local module log root
  module=golang.org/toolchain@v0.0.1-go$GO_MINIMUM.$(operating_system)-$(architecture)
  log=$cache_dir/toolchain/go.log
  mkdir -p "$cache_dir/toolchain"
  if ! with_progress "Go $(go_version "$old_go") is older than $GO_MINIMUM: fetching that one" "$log" still_running \
    download_module "$old_go" "$module"; then
    fail "Go $GO_MINIMUM could not be fetched ($(last_words "$log")): install Go $GO_MINIMUM or newer, and have it on PATH"
  fi
  root=$(sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p' "$log")
  [[ -d $root ]] || fail "Go $GO_MINIMUM was fetched but not found in the module cache: install Go $GO_MINIMUM or newer, and have it on PATH"
  # Modules carry no executable bits; the cache is read-only.
  chmod -R u+w "$root/bin" "$root/pkg/tool"
  find "$root/bin" "$root/pkg/tool" -type f -exec chmod +x {} +
  go=$root/bin/go
}

# download_module GO MODULE: becomes the go command, so only for a process of its own.
download_module() {
  # Outside any module, so that no go.mod of a newer Go is read.
  cd / || return
  export GOTOOLCHAIN=local GO111MODULE=on GOFLAGS=
  exec "$1" mod download -json "$2"
}

# install_go: from the distribution's packages, where that needs no question.
install_go() {
  local log=$cache_dir/toolchain/apt.log
  [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null || return 0
  mkdir -p "$cache_dir/toolchain"
  with_progress "Go is not installed: installing the distribution's golang-go" "$log" still_running \
    apt_install golang-go ca-certificates || say "the installation failed: $(last_words "$log")"
}

# apt_install PACKAGE…: with fresh lists, without what is only recommended.
apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update && apt-get install -y --no-install-recommends "$@"
}

# need_go: sets go, or fails with what to do.
need_go() {
  [[ -z ${go:-} ]] || return 0
  find_go
  if [[ -z $go$old_go ]]; then
    install_go
    find_go
  fi
  [[ -z $go && -n $old_go ]] && fetch_go
  [[ -n $go ]] || fail "the engine is built from Go modules here, and Go is missing: install Go (any version from $GO_BOOTSTRAP_MINIMUM on fetches the needed $GO_MINIMUM by itself; Debian and Ubuntu: apt-get install golang-go) or pulumi $PULUMI_MINIMUM or newer, and have it on PATH"
}

# last_words LOG: the last line that says something.
last_words() {
  grep -v '^[[:space:]{}]*$' "$1" | tail -n 1
}
