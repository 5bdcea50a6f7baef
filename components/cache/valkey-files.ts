import { ArgsCheck } from "../core/args-check";
import { PORTS } from "../core/ports";

/** What decides valkey.conf of one machine. */
export interface ValkeyConfig {
  listenAddresses: readonly string[];
  password: string;
  memoryMiB: number;
  /** Address of the primary; left out on the primary itself. */
  primaryAddress?: string;
}

/** valkey.conf. Holds the password. */
export function renderValkeyConfig(config: ValkeyConfig): string {
  new ArgsCheck("Valkey")
    .that(/^[\x21-\x7e]+$/.test(config.password), "password", "has a blank or a control character")
    .integer(config.memoryMiB, "memoryMiB", 16, 65_536)
    .done();
  const password = `"${config.password.replace(/[\\"]/g, "\\$&")}"`;
  const replica =
    config.primaryAddress === undefined
      ? []
      : [`replicaof ${config.primaryAddress} ${PORTS.valkey}`];
  return [
    `bind ${config.listenAddresses.join(" ")}`,
    `port ${PORTS.valkey}`,
    "protected-mode yes",
    `requirepass ${password}`,
    `primaryauth ${password}`,
    ...replica,
    "dir /var/lib/valkey-data",
    // Sessions outlive a restart; at most the last second is lost with the machine.
    "appendonly yes",
    "appendfsync everysec",
    'save ""',
    `maxmemory ${config.memoryMiB}mb`,
    // Only keys with an expiry make room: a session may go early, a queue never.
    "maxmemory-policy volatile-lru",
    "tcp-backlog 4096",
    "tcp-keepalive 60",
    "maxclients 10000",
    "loglevel notice",
    "",
  ].join("\n");
}
