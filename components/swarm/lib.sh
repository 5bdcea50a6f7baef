#!/usr/bin/env bash
# What scripts that run on one of the Swarm's managers share.

# A node per line: ID, address, state, role, its machine's label.
nodes() {
  local ids
  ids=$(docker node ls --quiet) && [ -n "$ids" ] || return 1
  xargs docker node inspect --format '{{.ID}} {{if .ManagerStatus}}{{index (split .ManagerStatus.Addr ":") 0}}{{else}}{{or .Status.Addr "-"}}{{end}} {{.Status.State}} {{.Spec.Role}} {{or (index .Spec.Labels "trivet.machine") "-"}}' <<<"$ids"
}

# within TIMES COMMAND…: whether it succeeds, asked each second.
within() {
  local times=$1
  shift
  for _ in $(seq "$times"); do
    if "$@"; then return 0; fi
    sleep 1
  done
  return 1
}

# inside SERVICE COMMAND…: runs it in the service's container on this machine.
inside() {
  local service=$1 container
  shift
  container=$(docker ps --quiet --filter "label=com.docker.swarm.service.name=$service") && [ -n "$container" ] || {
    echo "service $service has no running container on $(hostname)" >&2
    return 1
  }
  docker exec "${container%%$'\n'*}" "$@" </dev/null
}

# ask_etcd SERVICE WORD…: etcdctl, of this machine's member.
ask_etcd() {
  local service=$1
  shift
  inside "$service" etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/trivet/authority.pem --cert /etc/trivet/member.pem --key /etc/trivet/member-key.pem "$@"
}
