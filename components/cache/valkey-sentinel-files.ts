import { createHash } from "node:crypto";
import { ArgsCheck } from "../core/args-check";
import { firstOf } from "../core/collections";
import { PORTS } from "../core/ports";
import { quotedPassword } from "./valkey-files";

/** What decides sentinel.conf of one machine. */
export interface SentinelConfig {
  /** Name of the service: what makes this Sentinel another one than the others. */
  service: string;
  /** The machine's own address. */
  address: string;
  password: string;
  /** Addresses of all servers; the first one is primary until a Sentinel knows better. */
  members: readonly string[];
}

/** Name under which the Sentinels know the servers; the scripts beside this file use it too. */
const MONITORED = "trivet";

/** sentinel.conf as start-sentinel.sh takes it. Holds the password. */
export function renderSentinelConfig(config: SentinelConfig): string {
  new ArgsCheck("Sentinel")
    .that(/^[\x21-\x7e]+$/.test(config.password), "password", "has a blank or a control character")
    .nonEmpty(config.members, "members")
    .done();
  const password = quotedPassword(config.password);
  const majority = Math.floor(config.members.length / 2) + 1;
  return [
    `bind ${config.address} 127.0.0.1`,
    `port ${PORTS.sentinel}`,
    "protected-mode yes",
    // Also what it says to the other Sentinels.
    `requirepass ${password}`,
    "dir /var/lib/valkey-data",
    "loglevel notice",
    `sentinel announce-ip ${config.address}`,
    `sentinel myid ${identityOf(config.service)}`,
    `sentinel monitor ${MONITORED} ${firstOf(config.members)} ${PORTS.valkey} ${majority}`,
    `sentinel auth-pass ${MONITORED} ${password}`,
    `sentinel down-after-milliseconds ${MONITORED} 3000`,
    `sentinel failover-timeout ${MONITORED} 10000`,
    `sentinel parallel-syncs ${MONITORED} 1`,
    "",
  ].join("\n");
}

/**
 * The same after a machine was made anew: with a random one, the lost Sentinel would be counted beside
 * its successor for ever, and a majority of all be out of reach.
 */
function identityOf(service: string): string {
  return createHash("sha1").update(service).digest("hex");
}
