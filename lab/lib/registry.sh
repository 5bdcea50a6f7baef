# shellcheck shell=bash
# One registry for all labs: a mirror of the base images, and a place for the platform to push its own. It has an address in
# each lab's network and, to be filled, a port on the loopback; nothing else can reach it.

REGISTRY=trivet-lab-registry
REGISTRY_PORT=5000

registry_url() { printf 'http://%s:%s' "$(registry_address)" "$REGISTRY_PORT"; }

start_registry() {
  local image=$1
  case $(container_state "$REGISTRY") in
    running) ;;
    absent)
      mkdir -p "$CACHE/registry"
      # As the calling user, so that the cache folder can be removed by whoever made it.
      docker run --detach --name "$REGISTRY" --label trivet.lab.registry=shared --restart on-failure --user "$(id -u):$(id -g)" --cap-drop ALL \
        --publish "127.0.0.1::$REGISTRY_PORT" --volume "$CACHE/registry:/storage" "$image" > /dev/null ||
        die "the lab's registry does not start (see above)"
      ;;
    *) docker start "$REGISTRY" > /dev/null || die "the lab's registry does not start (see above)" ;;
  esac
}

connect_registry() {
  local networks
  networks=$(docker container inspect --format '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}' "$REGISTRY")
  if [[ " $networks " != *" $(network_name) "* ]]; then
    docker network connect --ip "$(registry_address)" "$(network_name)" "$REGISTRY"
  fi
}

# publish_image IMAGE NAME: makes IMAGE available as NAME; what was pushed before is known by its identity.
publish_image() {
  local image=$1 name=$2 identity storage port target
  identity=$(docker image inspect --format '{{.Id}}' "$image")
  # The registry that runs may be that of another cache folder.
  storage=$(docker container inspect --format '{{(index .Mounts 0).Source}}' "$REGISTRY")
  if grep -qsxF "$name $identity" "$storage/.published"; then return; fi
  say "pushing $name to the lab's registry"
  port=$(docker port "$REGISTRY" "$REGISTRY_PORT/tcp" | head -n 1)
  target=127.0.0.1:${port##*:}/$name
  docker tag "$image" "$target"
  quietly docker push "$target" || die "pushing $name to the lab's registry failed (see above)"
  docker rmi "$target" > /dev/null
  printf '%s %s\n' "$name" "$identity" >> "$storage/.published"
}

ensure_registry() {
  local image
  image=$(build_image registry 15)
  start_registry "$image"
  connect_registry
  ensure_nginx_image
  publish_image "$BASE_IMAGE" "library/debian:$BASE_SUITE-slim"
  publish_image "$NGINX_IMAGE" "library/nginx:$NGINX_SERIES"
}

# Leaves this lab's network; the last lab takes the registry with it. What it stored stays in the cache.
release_registry() {
  docker network disconnect --force "$(network_name)" "$REGISTRY" > /dev/null 2>&1 || true
  if ! docker network ls --filter "label=$LABEL" --format '{{.Name}}' | grep -qvxF "$(network_name)"; then
    docker rm --force --volumes "$REGISTRY" > /dev/null 2>&1 || true
  fi
}
