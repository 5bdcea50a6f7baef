import { PORTS } from "../core/ports";

/** A server that a router may send connections to. */
export interface RouterServer {
  name: string;
  address: string;
}

/** haproxy.cfg of one router. `listenAddresses` are those of its own machine. */
export function renderRouterConfig(
  listenAddresses: readonly string[],
  servers: readonly RouterServer[],
  maxConnections: number,
): string {
  const bind = (port: number) => listenAddresses.map((address) => `  bind ${address}:${port}`);
  const list = servers.map(
    ({ name, address }) =>
      `  server ${name} ${address}:${PORTS.postgres} check port ${PORTS.patroni}`,
  );
  return [
    "global",
    `  maxconn ${maxConnections}`,
    // After a reload the old process keeps its connections: long enough for the poolers to renew all
    // of theirs (server_lifetime). Cut off earlier, statements in flight fail.
    "  hard-stop-after 10m",
    "  stats socket /tmp/haproxy.sock mode 600 level admin",
    "",
    "defaults",
    "  mode tcp",
    "  timeout connect 2s",
    "  timeout check 1s",
    // Sessions end when their server goes; silence alone is no fault: LISTEN and pools wait for hours.
    "  timeout client 24h",
    "  timeout server 24h",
    "  option clitcpka",
    "  option srvtcpka",
    // Whoever has left waits for no server any more: a router that is to stop would wait with them, up to 4 x 2 s.
    "  option abortonclose",
    // Who answers 200 holds the lease, so one answer is enough to lead there; a switchover waits for it.
    // A connect may take no longer than `inter`, so a server that is silent has several of them before it counts as
    // down: 4 x 500 ms + 3 x 100 ms, by HAProxy's rules, and up to 500 ms until the first.
    "  default-server inter 500ms fastinter 100ms downinter 500ms fall 4 rise 1 on-marked-down shutdown-sessions",
    "",
    "frontend primary",
    ...bind(PORTS.routerPrimary),
    "  default_backend primary",
    "",
    "frontend standby",
    ...bind(PORTS.routerStandby),
    // With no standby (one machine, or two lost) reads go to the primary.
    "  use_backend standby if { nbsrv(standby) gt 0 }",
    "  default_backend primary",
    "",
    "backend primary",
    "  option httpchk OPTIONS /primary",
    "  http-check expect status 200",
    // When the primary moves, queries wait for these checks; what ends by mistake here are writes.
    "  default-server downinter 250ms fall 5",
    ...list,
    "",
    "backend standby",
    "  balance leastconn",
    "  option httpchk OPTIONS /replica?lag=16MB",
    "  http-check expect status 200",
    ...list,
    "",
    "frontend stats",
    `  bind 127.0.0.1:${PORTS.routerStats}`,
    "  mode http",
    "  timeout client 10s",
    "  stats enable",
    "  stats uri /",
    "",
  ].join("\n");
}
