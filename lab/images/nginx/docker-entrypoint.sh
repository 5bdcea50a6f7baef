#!/bin/sh
# As in the official image, scripts in /docker-entrypoint.d run before nginx starts (templates are not filled in).
set -eu
for script in /docker-entrypoint.d/*.sh; do
  if [ -x "$script" ]; then "$script"; fi
done
exec "$@"
