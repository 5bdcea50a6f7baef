import { setTimeout as sleep } from "node:timers/promises";
import { PORTS } from "../../components/core/ports";
import { switchover } from "../operator/switchover";
import { cacheGap } from "./cache";
import { containerOf } from "./cluster";
import type { Details, Drill } from "./drill";
import { crash, SECOND, secondsUntil } from "./fault";

const killed = (service: string) => `docker kill --signal KILL ${containerOf(service)} > /dev/null`;

const UNBLOCK = `systemctl stop -q trivet-drill-etcd.timer 2> /dev/null || true
nft delete table inet trivet_drill 2> /dev/null || true`;
/** No traffic of etcd between machines; it is open again by itself if nobody opens it. */
const BLOCK_ETCD = `${UNBLOCK}
nft add table inet trivet_drill
nft add chain inet trivet_drill in '{ type filter hook input priority -300; }'
nft add rule inet trivet_drill in iifname != lo tcp dport { ${PORTS.etcdClient}, ${PORTS.etcdPeer} } drop
systemd-run -q --unit=trivet-drill-etcd --on-active=120 nft delete table inet trivet_drill`;

/** Shell that prints something once this machine is in its Swarm and its Postgres is healthy. */
const healthyMember = (machine: string) =>
  `test "$(docker info --format '{{.Swarm.LocalNodeState}}')" = active && docker ps --quiet --filter name=postgres-${machine} --filter health=healthy`;

/** No longer than writers wait for each other and for a busy computer without any fault. */
const NO_PAUSE_SECONDS = 1;

/** Faults of single programs, and a planned change of the primary. */
export const PROCESS_FAULTS: Readonly<Record<string, Drill>> = {
  "postgres-crash": {
    about: "kill -9 of the primary's Postgres",
    boundSeconds: 10,
    prepare: async (cluster) => {
      const primary = await cluster.primary();
      const kill = `docker exec ${containerOf(`postgres-${primary}`)} bash -c 'kill -9 $(head -n 1 /var/lib/postgresql/data/main/postmaster.pid)'`;
      return crash(async () => await cluster.on(primary, kill), 20);
    },
  },
  "patroni-crash": {
    about: "the container of the primary's Patroni is killed",
    boundSeconds: 27,
    prepare: async (cluster) => {
      const primary = await cluster.primary();
      return crash(async () => await cluster.on(primary, killed(`postgres-${primary}`)), 35);
    },
  },
  "etcd-loss": {
    about: "etcd's leader is killed",
    boundSeconds: NO_PAUSE_SECONDS,
    failedRequestsBound: 0,
    failedWritesBound: 0,
    prepare: async (cluster) => {
      const leader = await cluster.etcdLeader();
      return crash(async () => await cluster.on(leader, killed(`etcd-${leader}`)), 15);
    },
  },
  "etcd-outage": {
    about: "no member of etcd reaches another, nor does Patroni, for 20 s: the primary stays",
    boundSeconds: NO_PAUSE_SECONDS,
    failedRequestsBound: 0,
    failedWritesBound: 0,
    limits: { primariesChanged: 0 },
    prepare: async (cluster) => {
      const primary = await cluster.primary();
      return {
        hit: [],
        happens: async () => {
          await Promise.all(cluster.names.map(async (name) => await cluster.on(name, BLOCK_ETCD)));
          await sleep(20 * SECOND);
        },
        mend: async () => {
          await Promise.all(cluster.names.map(async (name) => await cluster.on(name, UNBLOCK)));
        },
        check: async (details) => {
          details.primariesChanged = (await cluster.primary()) === primary ? 0 : 1;
        },
      };
    },
  },
  "process-crash": {
    about: "pgBouncer, HAProxy, nginx and Valkey's primary of one machine are killed in turn",
    boundSeconds: 5,
    httpBoundSeconds: 5,
    // Of the other machines' readers each has at most one request on its way to a replica there.
    limits: { cacheGapSeconds: 5, failedElsewhere: 8 },
    prepare: async (cluster) => {
      const machine = await cluster.cachePrimary();
      const [to = ""] = cluster.others(machine);
      if ((await cluster.primary()) === machine) {
        await switchover(cluster.target.outputs, { to, say: () => undefined });
        await cluster.redundantWithin(120);
      }
      const programs = ["pgbouncer", "router", "nginx", "valkey"];
      const happens = async (details: Details) => {
        const writers = cluster.names.map(
          async (name) => await cluster.on(name, cacheGap(programs.length * 12 + 5), 120),
        );
        for (const name of programs) {
          await cluster.on(machine, killed(`${name}-${machine}`));
          await sleep(12 * SECOND);
        }
        details.cacheGapSeconds = Math.max(...(await Promise.all(writers)).map(Number)) / 1000;
      };
      return { hit: [], only: machine, happens };
    },
  },
  "dockerd-crash": {
    about: "kill -9 of the Docker daemon of the primary's machine, with all its containers",
    boundSeconds: 10,
    limits: { rejoinedAfterSeconds: 60 },
    prepare: async (cluster) => {
      const primary = await cluster.primary();
      return {
        hit: [primary],
        happens: async (details) => {
          await cluster.on(primary, "systemctl kill --kill-whom=main --signal=KILL docker");
          const rejoined = async () =>
            (await cluster.on(primary, healthyMember(primary), 10).catch(() => "")) !== "";
          details.rejoinedAfterSeconds = await secondsUntil(rejoined, 120);
          await sleep(Math.max(0, 40 - details.rejoinedAfterSeconds) * SECOND);
        },
      };
    },
  },
  switchover: {
    about: "./scripts/trivet switchover",
    boundSeconds: 3,
    failedRequestsBound: 0,
    failedWritesBound: 0,
    prepare: async (cluster) => {
      await Promise.resolve();
      return crash(
        async () => await switchover(cluster.target.outputs, { say: () => undefined }),
        2,
      );
    },
  },
};
