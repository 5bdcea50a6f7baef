#!/usr/bin/env bash
# Makes an image present on this machine. Prints its identity, and behind it on a line of its own the name with digest
# under which another machine gets the very same image ("" for a built one).
# Arguments: kind (build or pull), reference, archive, registry's copy or "", push (true or false), registry to sign in
# to or "", what messages call the image or "", another name to give it or "", build arguments…
# Standard input: the registry's user and password, one per line; empty lines for none.
set -euo pipefail
kind=$1 reference=$2 archive=$3 copy=$4 push=$5 registry=$6 called=${7:+$7: } alias=$8
shift 8
read -r user || true
read -r password || true

config=$(mktemp -d)
trap 'rm -rf "$config"' EXIT
export DOCKER_CONFIG=$config
present() { docker image inspect "$1" >/dev/null 2>&1; }
fail() {
  echo "$*" >&2
  exit 1
}

sign_in() {
  if [ -z "${user:-}" ] || [ -z "$registry" ]; then return; fi
  printf '%s' "$password" | docker login --username "$user" --password-stdin "$registry" >/dev/null 2>"$config/login.log" || {
    tail -n 3 "$config/login.log" >&2
    fail "registry $registry: user $user cannot sign in"
  }
}

build() {
  local log=$config/build.log words=() argument
  for argument in "$@"; do words+=(--build-arg "$argument"); done
  DOCKER_BUILDKIT=0 docker build --network host --force-rm --tag "$reference" "${words[@]}" - <"$archive" >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    fail "${called}image $reference cannot be built: the end of its log stands above"
  }
  [ "$push" = true ] || return 0
  docker tag "$reference" "$copy"
  docker push --quiet "$copy" >/dev/null 2>"$log" || {
    tail -n 5 "$log" >&2
    fail "image $copy cannot be pushed: check images.registry, or set images.registry.push to false"
  }
}

if ! present "$reference"; then
  sign_in
  if [ -n "$copy" ] && docker pull --quiet "$copy" >/dev/null 2>&1; then
    docker tag "$copy" "$reference"
  elif [ "$kind" = build ]; then
    build "$@"
  else
    docker pull --quiet "$reference" >/dev/null ||
      fail "${called}image $reference cannot be pulled: check its name, and that this machine reaches its registry"
  fi
fi
# Under the name that the first machine has it by: this one may have to stand in for that one.
if [ -n "$alias" ]; then docker tag "$reference" "$alias"; fi
rm -f "$archive"
docker image inspect --format '{{.Id}}' "$reference"
if [ "$kind" = pull ]; then
  docker image inspect --format '{{if .RepoDigests}}{{index .RepoDigests 0}}{{end}}' "$reference"
fi
