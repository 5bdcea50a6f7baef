#!/usr/bin/env bash
# Runs a command of an application once. Behind container.sh; arguments: the command.
set -euo pipefail
launch run --rm --label trivet.task=migrate -- "$@" 2>&1 | tail -n 60
