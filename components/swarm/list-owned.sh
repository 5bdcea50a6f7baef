#!/usr/bin/env bash
# Lists what carries a stack's label in the Swarm: kind, identity, name. Argument: the label's value.
set -euo pipefail
label=trivet.owner=$1
docker service ls --quiet --filter "label=$label" | xargs -r docker service inspect --format 'service {{.ID}} {{.Spec.Name}}'
docker network ls --quiet --no-trunc --filter "label=$label" | xargs -r docker network inspect --format 'network {{.Id}} {{.Name}}'
docker secret ls --quiet --filter "label=$label" | xargs -r docker secret inspect --format 'secret {{.ID}} {{.Spec.Name}}'
