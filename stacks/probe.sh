#!/usr/bin/env bash
# What a machine tells of itself before anything is changed on it: its clock, its Swarm, whose data it holds. Changes
# nothing, needs nothing that a bare machine has not, and never fails: what cannot be told is left out.
# Argument: root of the file system (another one in tests).
root=${1:-}
tell() { printf 'trivet-%s %s\n' "$1" "$2"; }

# Whoever asked answers at once: what comes next has nothing of the login in it.
echo trivet-ready
read -r -t 10 _ || true
tell began "$(date +%s.%N)"
data=/var/lib/docker
# To ask a Docker that does not run would start it; one whose Swarm has no leader answers after 20 s.
if systemctl is-active --quiet docker.service 2> /dev/null; then
  format='{{.DockerRootDir}}
{{.Swarm.LocalNodeState}} {{if .Swarm.Cluster}}{{or .Swarm.Cluster.ID "-"}}{{else}}-{{end}}{{range .Swarm.RemoteManagers}} {{.Addr}}{{end}}
{{.Swarm.ControlAvailable}}'
  if said=$(timeout 3 docker info --format "$format" 2> /dev/null); then
    {
      read -r data
      read -r swarm
      read -r manages
    } <<< "$said"
    tell swarm "$swarm"
    tell manages "$manages"
    # A worker's Docker does not tell the Swarm's identity, and a node's does not always notice that it was removed.
    tell member "$(sed '/-END/q' "$root$data/swarm/certificates/swarm-node.crt" 2> /dev/null | grep -v -e - | base64 -d 2> /dev/null | grep -aoE '[a-z0-9]{25}' | head -n 2 | paste -sd' ')"
    # Nodes that it knows, those that are a platform's machines, services that a stack made, and machines that leave.sh began to
    # send away.
    if [ "$manages" = true ]; then
      tell nodes "$(timeout 3 docker node ls --quiet 2> /dev/null | paste -sd' ')"
      tell labelled "$(timeout 3 docker node ls --quiet --filter node.label=trivet.machine 2> /dev/null | paste -sd' ')"
      tell owned "$(timeout 3 docker service ls --quiet --filter label=trivet.owner 2> /dev/null | wc -l)"
      tell leaving "$(timeout 3 docker node ls --quiet --filter node.label=trivet.leaving=true 2> /dev/null | timeout 3 xargs --no-run-if-empty docker node inspect --format '{{index .Spec.Labels "trivet.machine"}}' 2> /dev/null | paste -sd' ')"
    fi
  fi
fi
# The first eight bytes are the identifier that initdb gave the cluster, the same on all its copies.
if control=$(od -An -tu8 -N8 "$root$data/volumes/trivet-postgres/_data/main/global/pg_control" 2> /dev/null); then
  tell postgres "${control//[[:space:]]/}"
  # Patroni's standbys have it, and a primary has not.
  if [ -e "$root$data/volumes/trivet-postgres/_data/main/standby.signal" ]; then tell standby yes; fi
fi
tell ended "$(date +%s.%N)"
