#!/usr/bin/env bash
# Runs this machine's etcd: with the data it has; or as the founder of a cluster, if the machine was told so once; or
# as a new member of the cluster that the others have, first as a learner, which takes part in no vote until it has
# caught up. Argument: its name. Environment: CONFIG and DATA, other folders than the container's (in tests).
set -euo pipefail
name=$1
config=${CONFIG:-/etc/trivet} data=${DATA:-/var/lib/etcd-data}
address=$(awk -v name="$name" '$1 == name { print $2 }' "$config/members")
peer=https://$address:2380
others=$(awk -v name="$name" '$1 != name { printf "%shttps://%s:2379", comma, $2; comma = "," }' "$config/members")

ask() {
  etcdctl --endpoints "$others" --cacert "$config/authority.pem" --cert "$config/member.pem" \
    --key "$config/member-key.pem" --dial-timeout 2s --command-timeout "${patience:-5s}" "$@"
}
# A member per line: identity, status, name, address for peers, addresses for clients, learner.
members() { ask member list 2>/dev/null | sed 's/, /,/g'; }
say() { printf 'etcd %s: %s\n' "$name" "$*" >&2; }

# Who lost its data is no member any more, whatever the others remember.
forget_former_self() {
  local former id
  former=$(awk -F, -v name="$name" -v peer="$peer" '$3 == name || $4 == peer { print $1 }' <<<"$1")
  for id in $former; do
    say "the cluster knows an earlier member $id of this name or address: removing it"
    ask member remove "$id" >/dev/null
  done
}

join() {
  local known said=""
  until known=$(members) && [ -n "$known" ] && forget_former_self "$known" &&
    said=$(ask member add "$name" --learner --peer-urls="$peer" 2>&1); do
    say "waits for the cluster's members to take it in (${said:-none of $others answers})"
    sleep 1
  done
  members | awk -F, -v self="$name=$peer" '$2 == "started" && $3 != "" { list = list $3 "=" $4 "," } END { print list self }'
}

# The others, by a majority of theirs, count nobody at this address: this member was removed while its machine was no
# part of the platform, and etcd would refuse to start with what it remembers.
is_removed() {
  local known
  known=$(patience=2s members) || return 1
  [ -n "$known" ] && [[ $known != *",$peer,"* ]]
}

has_log() { compgen -G "$data/member/member/wal/*.wal" >/dev/null; }

# Where the data is taken away some day, the others have it.
found_once() {
  until has_log; do sleep 1; done
  rm -f "$data/found"
}

promote() {
  local known id
  while sleep 1; do
    known=$(members) || continue
    id=$(awk -F, -v peer="$peer" '$4 == peer && $6 == "true" { print $1 }' <<<"$known")
    [ -n "$id" ] || return 0
    if ask member promote "$id" >/dev/null 2>&1; then
      say "has caught up and votes from now on"
      return 0
    fi
  done
}

final=$(mktemp)
cat "$config/etcd.yml" >"$final"
if [ -n "$others" ] && has_log && is_removed; then
  say "was removed by the others meanwhile: joins them anew; what it had is kept as $data/member.removed"
  rm -rf "$data/member.removed" "$data/found"
  mv "$data/member" "$data/member.removed"
fi
# The folder is no sign: etcd makes it before it asks the others, and may end there.
if has_log; then
  state=existing cluster=$name=$peer
  rm -f "$data/found"
elif [ -e "$data/found" ] || [ -z "$others" ]; then
  say "founds a cluster"
  state=new cluster=$name=$peer
  (found_once &)
else
  state=existing cluster=$(join)
fi
printf 'initial-cluster: %s\ninitial-cluster-state: %s\n' "$cluster" "$state" >>"$final"
# Beside etcd, and no child of it.
if [ -n "$others" ]; then (promote &); fi
exec etcd --config-file "$final"
