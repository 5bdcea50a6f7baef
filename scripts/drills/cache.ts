import { PORTS } from "../../components/core/ports";

/**
 * Shell that writes to Valkey as applications of this machine do, through its router, and prints the longest time
 * without an acknowledgement. Milliseconds.
 */
export const cacheGap = (seconds: number) => `
password=$(sed -n 's/^requirepass "\\(.*\\)"$/\\1/p' /etc/trivet/valkey/valkey.conf)
write() {
  exec 3<> /dev/tcp/127.0.0.1/${PORTS.valkeyRouter} || return 1
  printf 'AUTH %s\\r\\nSET trivet-drill 1 EX 60\\r\\n' "$password" >&3
  read -rt 1 _ <&3 && read -rt 1 answer <&3 && [[ $answer == +OK* ]]
}
now() { date +%s%3N; }
last=$(now) longest=0
note() { local gap=$(($(now) - last)); if ((gap > longest)); then longest=$gap; fi; }
until=$((SECONDS + ${seconds}))
while ((SECONDS < until)); do
  if (write) 2> /dev/null; then note; last=$(now); fi
  sleep 0.1
done
note
echo "$longest"`;
