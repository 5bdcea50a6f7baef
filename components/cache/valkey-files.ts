import { ArgsCheck } from "../core/args-check";
import { PORTS } from "../core/ports";

/** What decides valkey.conf of one machine. */
export interface ValkeyConfig {
  /** The machine's own address, at which the others reach its server. */
  address: string;
  password: string;
  memoryMiB: number;
  /** Servers that replicate the primary. Count; with none, the primary takes writes alone. */
  replicas: number;
}

/** A password as a word of valkey.conf and sentinel.conf. */
export function quotedPassword(password: string): string {
  return `"${password.replace(/[\\"]/g, "\\$&")}"`;
}

/**
 * valkey.conf of a server, whatever its role: start.sh adds `replicaof` to the server's own copy.
 * Holds the password.
 */
export function renderValkeyConfig(config: ValkeyConfig): string {
  new ArgsCheck("Valkey")
    .that(/^[\x21-\x7e]+$/.test(config.password), "password", "has a blank or a control character")
    .integer(config.memoryMiB, "memoryMiB", 16, 65_536)
    .done();
  const password = quotedPassword(config.password);
  return [
    `bind 127.0.0.1 ${config.address}`,
    `port ${PORTS.valkey}`,
    "protected-mode yes",
    `requirepass ${password}`,
    `primaryauth ${password}`,
    "dir /var/lib/valkey-data",
    // Sessions outlive a restart; at most the last second is lost with the machine.
    "appendonly yes",
    "appendfsync everysec",
    'save ""',
    `maxmemory ${config.memoryMiB}mb`,
    // Only keys with an expiry make room: a session may go early, a queue never.
    "maxmemory-policy volatile-lru",
    `replica-announce-ip ${config.address}`,
    "replica-read-only yes",
    // Silence of this length ends a replication: a lost machine is noticed long before by its Sentinels.
    "repl-ping-replica-period 3",
    "repl-timeout 20",
    "repl-diskless-sync-delay 0",
    ...(config.replicas > 0 ? WITH_REPLICAS : []),
    "tcp-backlog 4096",
    "tcp-keepalive 60",
    "maxclients 10000",
    "loglevel notice",
    "",
  ].join("\n");
}

/** A primary that is cut off from all replicas takes no writes: they would be lost with its demotion. */
const WITH_REPLICAS = ["min-replicas-to-write 1", "min-replicas-max-lag 5"];

/** What primary.sh reads: the machine's own address, then those of all machines. */
export function renderMembers(address: string, all: readonly string[]): string {
  return [address, ...all, ""].join("\n");
}
