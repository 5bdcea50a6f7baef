#!/usr/bin/env bash
# Installs Docker where it is missing, and gives it its settings.
# Arguments: machine, oldest version, table of refused versions, daemon.json, sshd drop-in or "".
export MACHINE=$1
oldest=$2 refused=$3 settings=$4 sshd_drop_in=$5

daemon_json=/etc/docker/daemon.json
# What was written there the last time: tells an operator's keys from ours.
record=/etc/trivet/daemon.json
# Keys that Docker has not started with yet.
waiting=/etc/trivet/docker.waiting
os_field() { sed -n "s/^$1=//p" /etc/os-release | tr -d "\"'"; }

installed_version() {
  dockerd --version | sed -n 's/^Docker version \([^, ]*\).*/\1/p'
}

# Refuses the version that apt would install, given without epoch and Debian's own suffix.
refuse_candidate() {
  local version
  version=$(apt-cache policy "$1" | sed -n 's/^ *Candidate: \([0-9]*:\)\{0,1\}\([0-9.]*\).*/\2/p')
  [ -n "$version" ] || fail "apt has no package $1 to install: check the sources in /etc/apt"
  refuse_version "$version" "$oldest" "$refused"
}

install_from_distribution() {
  apt_update
  refuse_candidate docker.io
  # Only recommended by docker.io, but nothing works without iptables; the client is its own package.
  apt_install docker.io docker-cli iptables openssl curl ca-certificates
}

# The distribution's own package is of a refused version, or too old: take Docker's, pinned.
install_from_docker() {
  local os=$1 codename key=/etc/apt/keyrings/trivet-docker.asc fingerprint
  local expected=9DC858229FC7DD38854AE2D88D81803C0EBFCD88
  codename=$(os_field VERSION_CODENAME)
  apt_install ca-certificates curl gpg iptables openssl
  mkdir -p /etc/apt/keyrings
  curl -fsSL --retry 3 --connect-timeout 10 --max-time 60 -o "$key.new" "https://download.docker.com/linux/$os/gpg" ||
    fail "cannot fetch Docker's signing key: allow https to download.docker.com, or install Docker 28.5 by hand first"
  fingerprint=$(gpg --batch --show-keys --with-colons "$key.new" | awk -F: '$1 == "pub" { pub++ } $1 == "fpr" && !fpr { fpr = $10 } END { if (pub == 1) print fpr }')
  if [ "$fingerprint" != "$expected" ]; then
    rm -f "$key.new"
    fail "Docker's signing key has the fingerprint ${fingerprint:-none}, expected $expected: do not install it"
  fi
  chmod 0644 "$key.new"
  mv "$key.new" "$key"
  put_file /etc/apt/sources.list.d/trivet-docker.list \
    "deb [arch=$(dpkg --print-architecture) signed-by=$key] https://download.docker.com/linux/$os $codename stable" 0644 || true
  put_file /etc/apt/preferences.d/trivet-docker \
    "$(printf 'Package: docker-ce docker-ce-cli\nPin: version 5:28.5.*\nPin-Priority: 990')" 0644 || true
  apt_update
  refuse_candidate docker-ce
  apt_install docker-ce docker-ce-cli containerd.io
  # An upgrade restarts Docker and with it every container: that has to be somebody's choice.
  apt-mark hold docker-ce docker-ce-cli > /dev/null
}

# Puts our settings into daemon.json and keeps every key that is not ours. Prints the keys that changed.
merge_settings() {
  if command -v python3 > /dev/null; then
    python3 - "$daemon_json" "$record" "$settings" << 'PY' || fail "$daemon_json is not valid JSON: mend it or move it away"
import json, os, sys

def load(path):
    if not os.path.exists(path) or os.path.getsize(path) == 0:
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)

path, record, wanted = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
try:
    found = load(path)
except ValueError as error:
    sys.exit(str(error))
merged = dict(found)
for key, value in load(record).items():
    if key not in wanted and merged.get(key) == value:
        del merged[key]
merged.update(wanted)
changed = sorted(k for k in {**found, **merged} if found.get(k) != merged.get(k))
if changed:
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(json.dumps(merged, indent=2, ensure_ascii=False) + "\n")
    print("\n".join(changed))
PY
  elif [ ! -s "$daemon_json" ] || cmp -s "$daemon_json" "$record"; then
    if ! printf '%s\n' "$settings" | cmp -s - "$daemon_json"; then
      printf '%s\n' "$settings" > "$daemon_json.new"
      printf 'daemon.json\n'
    fi
  else
    fail "$daemon_json has settings of its own and python3 is missing to merge them: apt-get install python3-minimal"
  fi
}

wait_for_docker() {
  local deadline=$((SECONDS + 60))
  until docker info > /dev/null 2>&1; do
    ((SECONDS < deadline)) ||
      fail "Docker does not answer within 60 s: $(systemctl is-active docker || true), see journalctl -u docker"
    sleep 0.5
  done
}

tune_sshd() {
  local path=/etc/ssh/sshd_config.d/50-trivet.conf key value
  if put_file "$path" "$sshd_drop_in" 0644; then
    mkdir -p /run/sshd
    if ! /usr/sbin/sshd -t; then
      rm -f "$path"
      fail "sshd refuses its configuration with $path, which was taken away again: see its message above"
    fi
    systemctl try-reload-or-restart ssh.service
  fi
  while read -r key value; do
    # Not grep -q: it would leave early, and sshd's broken pipe would count as a failure.
    /usr/sbin/sshd -T | grep -ix "$key $value" > /dev/null ||
      fail "sshd does not take $key $value from $path: another file of /etc/ssh sets it first, remove it there"
  done < <(grep -v '^#' <<< "$sshd_drop_in")
}

fresh=no
if command -v dockerd > /dev/null; then
  case $(readlink -f "$(command -v dockerd)") in
    /snap/* | /usr/bin/snap) fail "Docker is installed as a snap, which Swarm cannot use: snap remove docker" ;;
  esac
  refuse_version "$(installed_version)" "$oldest" "$refused"
else
  fresh=yes
fi

# Scripts that follow speak to Docker's socket and to Patroni with it.
command -v curl > /dev/null || apt_install curl ca-certificates

mkdir -p /etc/docker /etc/trivet
changed=$(merge_settings)
if [ "$fresh" = yes ]; then
  # The settings come first, so that the first start is the only one.
  if [ -f "$daemon_json.new" ]; then mv "$daemon_json.new" "$daemon_json"; fi
  os=$(os_field ID)
  version=$(os_field VERSION_ID)
  if [ "$os" = debian ] && [ "${version%%.*}" -ge 13 ]; then install_from_distribution; else install_from_docker "$os"; fi
  refuse_version "$(installed_version)" "$oldest" "$refused"
  changed=''
fi
if [ -f "$daemon_json.new" ]; then
  if ! problem=$(dockerd --validate --config-file "$daemon_json.new" 2>&1); then
    rm -f "$daemon_json.new"
    fail "Docker refuses the settings, which were not put in place: $problem"
  fi
  mv "$daemon_json.new" "$daemon_json"
fi
put_file "$record" "$settings" 0644 || true
# Kept until Docker has started with it, so that a run that breaks off here is made good by the next.
if [ -n "$changed" ]; then printf '%s\n' "$changed" >> "$waiting"; fi
systemctl is-enabled --quiet docker || systemctl enable --quiet docker
# systemd counts starts on purpose as if they were crashes.
systemctl reset-failed docker 2> /dev/null || true
systemctl start docker || fail "Docker does not start: see journalctl -u docker"
wait_for_docker

pending=''
if [ -f "$waiting" ]; then
  started=$(date -d "$(systemctl show --property ActiveEnterTimestamp --value docker)" +%s)
  if [ "$started" -gt "$(stat -c %Y "$waiting")" ]; then
    rm "$waiting"
  elif [ "$(docker info --format '{{.Swarm.LocalNodeState}} {{.ContainersRunning}}')" = "inactive 0" ]; then
    systemctl restart docker || fail "Docker does not start again: see journalctl -u docker"
    wait_for_docker
    rm "$waiting"
  else
    # Docker reads these two again without a restart, which would end every container of the machine.
    systemctl reload docker
    pending=$(sort -u "$waiting" | grep -vxE 'registry-mirrors|insecure-registries' | paste -sd, -) || true
    if [ -z "$pending" ]; then rm "$waiting"; fi
  fi
fi

# Who logs in without being root reaches Docker over ssh:// only as a member of this group.
if [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then usermod -aG docker "$SUDO_USER"; fi
if [ -n "$sshd_drop_in" ]; then tune_sshd; fi

running=$(docker version --format '{{.Server.Version}}')
refuse_version "$running" "$oldest" "$refused"
printf '{"version":"%s","restartPending":"%s"}\n' "${running//[^A-Za-z0-9.+~-]/}" "$pending"
