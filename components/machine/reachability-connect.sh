#!/usr/bin/env bash
# Tries every port that this machine has to reach at the others, and names all that it cannot.
# Arguments: machine; then for each other machine five: name, private address, TCP ports, UDP ports (both
# comma-separated or "-"), what its listener printed.
export MACHINE=$1 LC_ALL=C
shift
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

holds() { case ",$1," in *",$2,"*) return 0 ;; *) return 1 ;; esac; }

# No answer is a failure. A refusal is the machine's own answer and good enough, unless its listener holds that port:
# then something on the way refused.
try_tcp() {
  local address=$1 port=$2 held=$3 said
  # shellcheck disable=SC2016 # They are the inner bash's.
  said=$(timeout 3 bash -c '< "/dev/tcp/$0/$1"' "$address" "$port" 2>&1) && return 0
  case $said in *"Connection refused"*) ! holds "$held" "$port" ;; *) return 1 ;; esac
}

# Only a listener answers, and may not be able to beside somebody else.
try_udp() {
  local address=$1 port=$2 held=$3 answer
  holds "$held" "$port" || return 0
  for _ in 1 2 3; do
    # shellcheck disable=SC2016 # They are the inner bash's.
    answer=$(timeout 1 bash -c 'exec 3<> "/dev/udp/$0/$1"; echo trivet >&3; head -n 1 <&3' "$address" "$port" 2> /dev/null) || true
    if [ "$answer" = trivet ]; then return 0; fi
  done
  return 1
}

number=0
while [ "$#" -gt 0 ]; do
  number=$((number + 1))
  name=$1 address=$2 tcp=$3 udp=$4
  read -r held_tcp held_udp <<< "$5"
  shift 5
  for port in ${tcp//,/ }; do
    [ "$port" = - ] || try_tcp "$address" "$port" "$held_tcp" || printf '%s\n' "$port" >> "$results/$number" &
  done
  for port in ${udp//,/ }; do
    [ "$port" = - ] || try_udp "$address" "$port" "$held_udp" || printf '%s/udp\n' "$port" >> "$results/$number" &
  done
  printf '%s (%s)\n' "$name" "$address" > "$results/$number.name"
done
wait

unreachable=""
for ((i = 1; i <= number; i++)); do
  [ -s "$results/$i" ] || continue
  ports=$(sort -n "$results/$i" | paste -sd, | sed 's/,/, /g')
  unreachable+="${unreachable:+; }$(< "$results/$i.name") at $ports"
done
[ -z "$unreachable" ] ||
  fail "cannot reach $unreachable: let the machines reach each other's private addresses at these ports (the provider's firewall or security group, a firewall on the machine, routes)"
