# shellcheck shell=bash disable=SC2154
# Building from Go modules at the versions of go/*/go.mod, checked against the committed go.sum.

pulumi_sdk=github.com/pulumi/pulumi/sdk/v3

# The three parts: their package, binary, and build flags, in variables of the caller.
describe_part() {
  flags=(-trimpath -ldflags "-s -w")
  case $1 in
    cli)
      package=github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
      binary=pulumi
      flags=(-trimpath -ldflags "-s -w -X $pulumi_sdk/go/common/version.Version=$PULUMI_VERSION")
      ;;
    language-host)
      package=$pulumi_sdk/nodejs/cmd/pulumi-language-nodejs
      binary=pulumi-language-nodejs
      ;;
    docker-plugin)
      package=.
      binary=pulumi-resource-docker
      # Leaves out a resource that npm's package does not have, and a tenth of the build with it.
      flags+=(-tags no_compose)
      ;;
  esac
}

# part_path PART: where its binary is, once built. The hash is over all that decides its content.
part_path() {
  local package binary flags hash
  describe_part "$1"
  hash=$({
    printf '%s\n' "$package" "${flags[@]}" "$(uname -sm)"
    find "$toolchain_dir/go/$1" -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cat
  } | short_hash)
  printf '%s/%s-%s/%s' "$pieces_dir" "$1" "$hash" "$binary"
}

# run_go PART ARGUMENT…: becomes the go command, so only for a process of its own.
run_go() {
  cd "$toolchain_dir/go/$1" || return
  shift
  export CGO_ENABLED=0 GOWORK=off GO111MODULE=on GOFLAGS="${GOFLAGS:-} -mod=readonly -buildvcs=false"
  exec "$go" "$@"
}

# build_parts PART…: builds those that are not there yet.
build_parts() {
  local part missing=()
  for part in "$@"; do
    [[ -x $(part_path "$part") ]] || missing+=("$part")
  done
  ((${#missing[@]} > 0)) || return 0
  need_go
  need_disk "$BUILD_DISK_GB" "$cache_dir" "the build" TRIVET_CACHE
  need_disk "$BUILD_DISK_GB" "$("$go" env GOMODCACHE)" "the build" GOMODCACHE
  need_disk "$BUILD_DISK_GB" "$("$go" env GOCACHE)" "the build" GOCACHE
  need_disk "$BUILD_TMP_GB" "${TMPDIR:-/tmp}" "the build" TMPDIR
  mkdir -p "$pieces_dir"
  say "building ${missing[*]} from Go modules with Go $(go_version "$go"); a few minutes each, once"
  for part in "${missing[@]}"; do build_part "$part"; done
}

# build_part PART: an interrupted build goes on from Go's own caches at the next run.
build_part() {
  local part=$1 package binary flags final work packages
  describe_part "$part"
  final=$(part_path "$part")
  work=$pieces_dir/.partial-$part
  rm -rf "$work"
  mkdir -p "$work"
  with_progress "$binary: fetching Go modules" "$work/log" modules_so_far \
    run_go "$part" list -deps "${flags[@]}" "$package" || build_failed "$binary" "$work/log" "the modules could not be fetched"
  packages=$(grep -vc '^go: ' "$work/log")
  with_progress "$binary: compiling at most $packages packages" "$work/log" packages_so_far \
    run_go "$part" build -v "${flags[@]}" -o "$work/$binary" "$package" || build_failed "$binary" "$work/log" "the build failed"
  rm -rf "$(dirname "$final")" "$work/log"
  mv "$work" "$(dirname "$final")"
  say "$binary: built"
}

modules_so_far() {
  printf '%d fetched' "$(grep -c '^go: downloading' "$1")"
}

packages_so_far() {
  printf '%d compiled' "$(grep -vc '^go: ' "$1")"
}

build_failed() {
  local kept=$cache_dir/toolchain/$1.log
  mv "$2" "$kept"
  fail "$1: $3 ($(last_words "$kept")): look into $kept, check the network and Go's module settings (go env GOPROXY GOSUMDB), and run again: what is done is kept"
}
