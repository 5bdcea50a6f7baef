import { stringify } from "yaml";
import { PORTS } from "../core/ports";
import type { Member } from "./members";
import { memberCalled } from "./members";

const clientUrl = (address: string) => `https://${address}:${PORTS.etcdClient}`;
const peerUrl = (address: string) => `https://${address}:${PORTS.etcdPeer}`;

/** Names and addresses of all members, for etcd-start.sh. */
export function renderMembers(members: readonly Member[]): string {
  return members.map(({ name, address }) => `${name} ${address}\n`).join("");
}

/**
 * etcd.yml of the member called `name`; etcd-start.sh adds whom it starts with. Paths are those inside
 * the container.
 */
export function renderEtcdConfig(
  cluster: string,
  name: string,
  members: readonly Member[],
): string {
  const member = memberCalled(name, members);
  const transport = {
    "cert-file": "/etc/trivet/member.pem",
    "key-file": "/etc/trivet/member-key.pem",
    "trusted-ca-file": "/etc/trivet/authority.pem",
    "client-cert-auth": true,
  };
  return stringify({
    name: member.name,
    "data-dir": "/var/lib/etcd-data/member",
    "listen-client-urls": `${clientUrl(member.address)},${clientUrl("127.0.0.1")}`,
    "advertise-client-urls": clientUrl(member.address),
    "listen-peer-urls": peerUrl(member.address),
    "initial-advertise-peer-urls": peerUrl(member.address),
    "initial-cluster-token": cluster,
    "listen-metrics-urls": `http://127.0.0.1:${PORTS.etcdMetrics}`,
    "client-transport-security": transport,
    "peer-transport-security": transport,
    // Twice etcd's own: small machines stall for longer than its 1 s while images load.
    "heartbeat-interval": 200,
    "election-timeout": 2000,
    "auto-compaction-mode": "periodic",
    "auto-compaction-retention": "1h",
    "quota-backend-bytes": 268_435_456,
    "log-level": "warn",
  });
}
