# shellcheck shell=bash
# Images: pulled where a public registry answers, built from Debian packages where none does.
# Every image is tagged with a hash of what went into it, so that a second run finds it and a changed recipe builds it anew.

BASE_SUITE=trixie
NGINX_SERIES=1.30
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

image_exists() {
  docker image inspect "$1" > /dev/null 2>&1
}

hash_of() {
  sha256sum | cut -c 1-12
}

# Debian's archive and its security archive as this machine's own apt reaches them; empty on other systems.
debian_mirror() {
  local label=$1
  if ! command -v apt-get > /dev/null; then return; fi
  # shellcheck disable=SC2016 # apt fills these in
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2> /dev/null |
    sed -n "s/^Debian|$label|//p" | head -n 1
}

# The lists may be absent on a new machine, and apt tells where they come from only once it has them.
find_mirrors() {
  MIRROR=$(debian_mirror Debian)
  if [[ -z $MIRROR && $(id -u) == 0 ]] && grep -qs '^ID=debian' /etc/os-release; then
    quietly apt-get update || die "apt-get update failed (see above): mend the machine's package source"
    MIRROR=$(debian_mirror Debian)
  fi
  SECURITY_MIRROR=$(debian_mirror Debian-Security)
}

# sources_for SUITE: what the image's own apt reads, in deb822 form.
sources_for() {
  printf 'Types: deb\nURIs: %s\nSuites: %s %s-updates\nComponents: main\nSigned-By: %s\n' "$MIRROR" "$1" "$1" "$KEYRING"
  if [[ -n $SECURITY_MIRROR ]]; then
    printf '\nTypes: deb\nURIs: %s\nSuites: %s-security\nComponents: main\nSigned-By: %s\n' "$SECURITY_MIRROR" "$1" "$KEYRING"
  fi
}

# try_pull IMAGE: gives up after 10 s without an answer, not in the middle of a slow download.
try_pull() {
  local log pid deadline=$((SECONDS + 10)) status=1
  if [[ ${PUBLIC_REGISTRY:-} == unreachable ]]; then return 1; fi
  log=$(mktemp)
  docker pull "$1" > "$log" 2>&1 &
  pid=$!
  while kill -0 "$pid" 2> /dev/null && ! grep -q 'Pulling from' "$log" && ((SECONDS < deadline)); do sleep 0.1; done
  if grep -q 'Pulling from' "$log"; then
    say "pulling $1"
    if wait "$pid"; then status=0; fi
  else
    kill "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  fi
  rm -f "$log"
  if ((status != 0)); then
    say "no public image registry answers: images are built from Debian packages"
    PUBLIC_REGISTRY=unreachable
  fi
  return "$status"
}

ensure_mmdebstrap() {
  if command -v mmdebstrap > /dev/null; then return; fi
  if [[ $(id -u) == 0 ]] && command -v apt-get > /dev/null; then
    say "installing mmdebstrap"
    if quietly apt-get install -y --no-install-recommends mmdebstrap; then return; fi
  fi
  die "no public image registry answers, and mmdebstrap, which builds the base image, is missing: apt-get install mmdebstrap"
}

bootstrap_base() {
  local tag=$1 archive
  [[ -n $MIRROR ]] ||
    die "no public image registry answers, and this machine's apt names no Debian archive: the lab needs one of the two"
  ensure_mmdebstrap
  say "building debian:$BASE_SUITE-slim from packages (about 20 s)"
  archive=$(mktemp --suffix .tar)
  sources_for "$BASE_SUITE" > "$archive.sources"
  # What Debian's own slim image leaves out too. The hook is a script, given the new system's folder.
  # shellcheck disable=SC2016
  quietly mmdebstrap --variant=minbase --include=ca-certificates \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/*' \
    "$BASE_SUITE" "$archive" "$archive.sources" ||
    die "building debian:$BASE_SUITE-slim failed (see above)"
  docker import --change 'CMD ["bash"]' "$archive" "$tag" > /dev/null
  rm -f "$archive" "$archive.sources"
}

ensure_base_image() {
  find_mirrors
  local built
  built=trivet-lab/debian:$BASE_SUITE-slim-$({ declare -f bootstrap_base && sources_for "$BASE_SUITE"; } | hash_of)
  BASE_IMAGE=$built BASE_ORIGIN=built
  if image_exists "$BASE_IMAGE"; then return; fi
  BASE_IMAGE=trivet-lab/debian:$BASE_SUITE-slim-pulled BASE_ORIGIN=pulled
  if image_exists "$BASE_IMAGE"; then return; fi
  if try_pull "debian:$BASE_SUITE-slim"; then
    docker tag "debian:$BASE_SUITE-slim" "$BASE_IMAGE"
  else
    BASE_IMAGE=$built BASE_ORIGIN=built
    bootstrap_base "$BASE_IMAGE"
  fi
}

# build_image NAME SECONDS: builds lab/images/NAME on the base image and prints its tag.
build_image() {
  local name=$1 about=$2 folder=$LAB_HOME/images/$1 base tag log
  base=$(docker image inspect --format '{{.Id}}' "$BASE_IMAGE")
  tag=trivet-lab/$name:$({
    echo "$base"
    echo "$MIRROR $SECURITY_MIRROR"
    find "$folder" -type f -print0 | sort -z | xargs -0 cat
  } | hash_of)
  if ! image_exists "$tag"; then
    say "building the image $name (about $about s)"
    log=$(mktemp)
    if ! DOCKER_BUILDKIT=0 docker build --network host --force-rm --tag "$tag" --build-arg "BASE=$BASE_IMAGE" \
      --build-arg "MIRROR=$MIRROR" --build-arg "SECURITY_MIRROR=$SECURITY_MIRROR" "$folder" > "$log" 2>&1; then
      tail -n 15 "$log" >&2
      die "building the image $name failed (see above)"
    fi
    rm -f "$log"
  fi
  printf '%s\n' "$tag"
}

ensure_vm_image() {
  ensure_base_image
  VM_IMAGE=$(build_image vm 60)
  export VM_IMAGE
}

# An image of an earlier 'up' is good enough to set a firewall with: nothing is built for that. Empty when there is none.
find_vm_image() {
  VM_IMAGE=$(docker images --filter 'reference=trivet-lab/vm' --format '{{.Repository}}:{{.Tag}}' | head -n 1)
  export VM_IMAGE
}

ensure_nginx_image() {
  NGINX_IMAGE=trivet-lab/nginx:$NGINX_SERIES-pulled
  if image_exists "$NGINX_IMAGE"; then return; fi
  if [[ $BASE_ORIGIN == pulled ]] && try_pull "nginx:$NGINX_SERIES"; then
    docker tag "nginx:$NGINX_SERIES" "$NGINX_IMAGE"
  else
    NGINX_IMAGE=$(build_image nginx 15)
  fi
}
