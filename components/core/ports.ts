/**
 * Every port that the platform listens on. One table, because three places must agree on it: the
 * services, the firewall and the kernel's list of ports that are never handed out as local ports.
 */
export const PORTS = {
  http: 80,
  https: 443,
  swarmManagement: 2377,
  swarmGossip: 7946,
  swarmOverlay: 4789,
  etcdClient: 2379,
  etcdPeer: 2380,
  etcdMetrics: 2381,
  postgres: 5432,
  patroni: 8008,
  routerPrimary: 5000,
  routerStandby: 5001,
  routerStats: 7000,
  pgBouncer: 6432,
  valkey: 6379,
  valkeyRouter: 6380,
  sentinel: 26379,
} as const;

/** Ports that application containers may reach on the machine that they run on. */
export const APPLICATION_PORTS = [
  PORTS.routerPrimary,
  PORTS.routerStandby,
  PORTS.pgBouncer,
  PORTS.valkeyRouter,
] as const;
