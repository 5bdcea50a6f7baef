#!/bin/sh
# debian.sources.sh SUITE MIRROR SECURITY_MIRROR: apt reads the archive that the machine outside reads. An empty MIRROR
# keeps what the image came with.
set -eu
[ -n "$2" ] || exit 0
rm -f /etc/apt/sources.list
find /etc/apt/sources.list.d -type f -delete
key=/usr/share/keyrings/debian-archive-keyring.gpg
{
  printf 'Types: deb\nURIs: %s\nSuites: %s %s-updates\nComponents: main\nSigned-By: %s\n' "$2" "$1" "$1" "$key"
  if [ -n "$3" ]; then
    printf '\nTypes: deb\nURIs: %s\nSuites: %s-security\nComponents: main\nSigned-By: %s\n' "$3" "$1" "$key"
  fi
} > /etc/apt/sources.list.d/debian.sources
