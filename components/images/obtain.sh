#!/usr/bin/env bash
# Makes an image present on this machine and prints its identity.
# Arguments: kind (build or pull), reference, archive, registry's copy or "", push (true or false), build arguments…
# Standard input: the registry's user and password, one per line; empty lines for none.
set -euo pipefail
kind=$1 reference=$2 archive=$3 copy=$4 push=$5
shift 5
read -r user || true
read -r password || true

config=$(mktemp -d)
trap 'rm -rf "$config"' EXIT
export DOCKER_CONFIG=$config
if [ -n "${user:-}" ]; then
  printf '%s' "$password" | docker login --username "$user" --password-stdin "${copy:-$reference}" >/dev/null 2>&1 ||
    { echo "registry of ${copy:-$reference}: user or password refused" >&2; exit 1; }
fi
present() { docker image inspect "$1" >/dev/null 2>&1; }

if ! present "$reference"; then
  if [ -n "$copy" ] && docker pull --quiet "$copy" >/dev/null 2>&1; then
    docker tag "$copy" "$reference"
  elif [ "$kind" = pull ]; then
    docker pull --quiet "$reference" >/dev/null || {
      echo "image $reference cannot be pulled: check its name, and that this machine reaches its registry" >&2
      exit 1
    }
  else
    for argument in "$@"; do set -- "$@" --build-arg "$argument"; shift; done
    log=$config/build.log
    DOCKER_BUILDKIT=0 docker build --network host --force-rm --tag "$reference" "$@" - <"$archive" >"$log" 2>&1 || {
      tail -n 40 "$log" >&2
      echo "image $reference cannot be built: the end of its log stands above" >&2
      exit 1
    }
    if [ "$push" = true ]; then
      docker tag "$reference" "$copy"
      docker push --quiet "$copy" >/dev/null
    fi
  fi
fi
rm -f "$archive"
docker image inspect --format '{{.Id}}' "$reference"
