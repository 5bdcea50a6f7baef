import { ArgsCheck } from "../core/args-check";
import { PORTS } from "../core/ports";

/** A server that may be the primary. */
export interface CacheServer {
  name: string;
  address: string;
}

/** What decides haproxy.cfg of one machine. */
export interface CacheRouterConfig {
  /** Those of its own machine. */
  listenAddresses: readonly string[];
  servers: readonly CacheServer[];
  password: string;
  /** Connections that it holds at most. */
  maxConnections: number;
}

/**
 * haproxy.cfg of a router that leads to the primary. Where there are several servers, that is one with
 * a replica which answered within 5 s: a primary that was frozen or cut off comes back and takes
 * itself for one until a Sentinel tells it otherwise. Holds the password.
 */
export function renderCacheRouterConfig(config: CacheRouterConfig): string {
  new ArgsCheck("Valkey's router")
    .that(/^[\w-]+$/.test(config.password), "password", "must be letters, digits, - and _ alone")
    .nonEmpty(config.servers, "servers")
    .done();
  const primary =
    config.servers.length === 1
      ? "role:master"
      : "(?s)role:master.*,state=online,offset=[0-9]+,lag=[0-5],";
  return [
    "global",
    `  maxconn ${config.maxConnections}`,
    // After a reload the old process keeps its connections for a while: clients renew theirs when cut off.
    "  hard-stop-after 10m",
    "",
    "defaults",
    "  mode tcp",
    "  timeout connect 2s",
    "  timeout check 1s",
    // Sessions end when their server goes; silence alone is no fault: a subscriber waits for hours.
    "  timeout client 24h",
    "  timeout server 24h",
    "  option clitcpka",
    "  option srvtcpka",
    // Whoever has left waits for no server any more: a router that is to stop would wait with them.
    "  option abortonclose",
    "  default-server inter 1s fastinter 300ms downinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions",
    "",
    "frontend cache",
    ...config.listenAddresses.map((address) => `  bind ${address}:${PORTS.valkeyRouter}`),
    // Until its first checks are done, a new process takes every server for the primary; and where two
    // claim to be, one of them is wrong.
    "  tcp-request connection reject if { nbsrv(primary) gt 1 }",
    "  default_backend primary",
    "",
    "backend primary",
    "  option tcp-check",
    // The end of the connection ends the answer: without QUIT, a replica would be asked in vain for a second.
    `  tcp-check send "AUTH ${config.password}\\r\\nINFO replication\\r\\nQUIT\\r\\n"`,
    `  tcp-check expect rstring '${primary}'`,
    ...config.servers.map(
      ({ name, address }) => `  server ${name} ${address}:${PORTS.valkey} check`,
    ),
    "",
  ].join("\n");
}
