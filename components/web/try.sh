#!/usr/bin/env bash
# Starts one container of a new version beside the replicas, where no request reaches it, and waits until it is
# healthy: what does not start is refused here, with its own words, before Swarm hears of it. Behind container.sh.
# Arguments: service, what messages call it, seconds to its first healthy answer, memory in MiB, command that asks for
# its health, then the command of the container, none for the image's own.
set -euo pipefail
service=$1 called=$2 start_seconds=$3 memory=$4 health=$5
shift 5
entrypoint=()
if [ $# -gt 0 ]; then
  entrypoint=(--entrypoint "$1")
  shift
fi

refuse() {
  local answer
  {
    printf '%s: %s. ' "$called" "$1"
    printf 'Mend it and run again; what ran before runs on.\nThe end of its log:\n'
    docker logs --tail 20 "$container" 2>&1 | cut -c 1-500 | sed 's/^/  /'
    answer=$(docker inspect --format '{{with .State.Health}}{{range .Log}}{{printf "%.500q\n" .Output}}{{end}}{{end}}' "$container" | grep -v -e '^$' -e '^""$' | tail -n 1) || true
    if [ -n "$answer" ]; then printf 'Its last health check:\n  %s\n' "$answer"; fi
  } >&2
  exit 1
}

# Left behind by a run that was cut off.
docker ps --all --quiet --filter "label=trivet.try=$service" | xargs -r docker rm --force >/dev/null
# Until it is healthy for the first time nothing is ended for its health: the deadline below decides.
container=$(launch create --label "trivet.try=$service" --memory "${memory}m" --health-cmd "$health" --health-interval 1s \
  --health-timeout 5s --health-retries 1000 "${entrypoint[@]}" -- "$@") || {
  printf '%s: its container cannot be made, for the reason above\n' "$called" >&2
  exit 1
}
message=$(docker start "$container" 2>&1 >/dev/null) || refuse "does not start: $message"
# The first time services are made at once, and one may end because another is not there yet: that is no reason to
# refuse it at once. An update that ends is one that Swarm would take back.
update=false
if docker service inspect "$service" >/dev/null 2>&1; then update=true; fi
deadline=$((SECONDS + start_seconds)) reason="is not healthy within $start_seconds s, its startSeconds"
while :; do
  read -r running healthy killed code < <(docker inspect --format \
    '{{.State.Running}} {{.State.Health.Status}} {{.State.OOMKilled}} {{.State.ExitCode}}' "$container")
  if [ "$running $healthy" = 'true healthy' ]; then break; fi
  if [ "$running" = false ]; then
    if [ "$killed" = true ]; then refuse "needs more than the $memory MiB of its memoryMiB"; fi
    reason="ends with exit code $code instead of getting healthy"
    if [ "$update" = true ] || ((SECONDS >= deadline)); then refuse "$reason"; fi
    sleep 1
    message=$(docker start "$container" 2>&1 >/dev/null) || refuse "does not start: $message"
  fi
  ((SECONDS < deadline)) || refuse "$reason"
  sleep 0.3
done
