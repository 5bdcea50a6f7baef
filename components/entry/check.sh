#!/bin/sh
# Whether this machine's nginx answers over HTTP, and does not say (503) that it is about to end. A connection alone proves
# nothing: Docker's proxy takes one for a container that is dead. Arguments: this machine's address, host name that nginx
# serves. What cannot be asked counts as an answer, or every machine would give the address up.
command -v curl > /dev/null || exit 0
status=$(curl -q --silent --noproxy '*' --max-time 2 --user-agent trivet-entry --output /dev/null \
  --write-out '%{http_code}' --header "Host: $2" "http://$1/.trivet/ready")
[ "${status:-000}" != 000 ] && [ "$status" != 503 ]
