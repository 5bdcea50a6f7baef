#!/usr/bin/env bash
# A container of an application outside of Swarm, with the secrets and the network that its replicas get. Put in
# front of what is done with it.
# Arguments: image, gateway address, cache address, network, whether secrets go into the environment too (true or
# false), number of variables, NAME=value…; what is left in "$@" is for the script behind.
# Standard input: one line a secret, its name and its value in base64.
set -euo pipefail
image=$1 gateway=$2 cache=$3 network=$4 in_environment=$5 count=$6
shift 6
docker=$(command -v docker)
variables=() exports=() container=''
for ((i = 0; i < count; i++)); do
  variables+=(--env "$1")
  shift
done
# In memory, not on disk; gone with this script.
private=$(mktemp -d /run/trivet-container-XXXXXX)
clean_up() {
  if [ -n "$container" ]; then docker rm --force "$container" >/dev/null 2>&1 || true; fi
  rm -rf "$private"
}
trap clean_up EXIT
# The container's user may read what is in here; the machine's other users do not get past the folder above.
secrets=$private/secrets
mkdir "$secrets"
while read -r name value; do
  printf '%s' "$value" | base64 -d >"$secrets/$name"
  variables+=(--env "${name}_FILE=/run/secrets/$name")
  if [ "$in_environment" = true ]; then
    # By its name alone: the value must not show in the process list. The x keeps line breaks at the end.
    plain=$(base64 -d <<<"$value" && printf x)
    exports+=("$name=${plain%x}")
    variables+=(--env "$name")
  fi
done
chmod 0755 "$secrets"
find "$secrets" -type f -exec chmod 0444 {} +
options=(--network "$network" --add-host "database:$gateway" --add-host "cache:$cache"
  --volume "$secrets:/run/secrets:ro" "${variables[@]}")

# launch WORD… -- COMMAND…: `docker run` or `docker create` of the image. A secret may be called as a variable of this
# script is: nothing but "$@" is used behind the export.
launch() (
  first=()
  while [ "$1" != -- ]; do
    first+=("$1")
    shift
  done
  shift
  set -- "$docker" "${first[@]}" "${options[@]}" "$image" "$@"
  if [ "${#exports[@]}" -gt 0 ]; then export "${exports[@]}"; fi
  exec "$@"
)
