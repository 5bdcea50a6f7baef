#!/usr/bin/env bash
# Starts Docker anew where it keeps a published port for a container that is gone: after a power cut while a container was
# being started, that survives the restart (moby/libnetwork#2448). Whoever is to publish the port fails then with "port is
# already allocated", and users meet "no route to host", until Docker is started once more.
# Runs after each start of Docker. Environment: STATE, folder that is empty after a restart of the machine.
set -euo pipefail
state=${STATE:-/run/trivet-stale-ports}
mkdir -p "$state"

# Ports of the machine: those that lead somewhere, and those of running containers. Not by address, which another
# container may have been given since.
led() { iptables --wait --table nat --list-rules DOCKER 2>/dev/null | sed -n 's/.* --dport \([0-9]*\) .*--to-destination .*/\1/p' | sort -u; }
published() { docker ps --quiet | xargs -r docker inspect --type container --format '{{range .NetworkSettings.Ports}}{{range .}}{{.HostPort}} {{end}}{{end}}' | tr ' ' '\n' | sort -u; }

before="" times=0
for _ in $(seq 20); do
  # What cannot be told now may be told in a moment: a container ended in between.
  if led=$(led) && published=$(published); then stale=$(comm -23 <(echo "$led") <(echo "$published") | paste -sd' '); else stale=""; fi
  if [ -n "$stale" ] && [ "$stale" = "$before" ]; then times=$((times + 1)); else times=0; fi
  # A container that starts has its port before it runs.
  if ((times == 3)); then
    starts=$(cat "$state/starts" 2>/dev/null || echo 0)
    if ((starts == 2)); then
      echo "published ports $stale still lead to no container after $starts starts of Docker: docker ps, iptables -t nat -S DOCKER" >&2
      exit 1
    fi
    echo $((starts + 1)) >"$state/starts"
    echo "published ports $stale lead to no container: starting Docker anew" >&2
    # systemd counts starts on purpose as if they were crashes.
    systemctl reset-failed docker.service || true
    exec systemctl --no-block restart docker.service
  fi
  before=$stale
  sleep 3
done
rm -f "$state/starts"
