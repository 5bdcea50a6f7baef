import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster";
import { observe, type Observed } from "./load";

/** What one run of a drill came to. */
export interface DrillResult {
  drill: string;
  run: number;
  writeGapSeconds: number;
  httpGapSeconds: number;
  failedRequests: number;
  lostRows: number;
  /** From the end of the fault until everything was there twice again. */
  redundantAfterSeconds: number;
  /** Longest write gap that is allowed. */
  boundSeconds: number;
  ok: boolean;
  /** What else was seen. */
  observed: Observed;
}

/** A fault, and what users may notice of it. */
export interface Drill {
  about: string;
  /** Longest pause of writes. Seconds. */
  boundSeconds: number;
  /** Longest pause of requests over HTTPS on machines that stay. Seconds. */
  httpBoundSeconds?: number;
  /** No request may fail. */
  noFailedRequest?: boolean;
  /** Makes the fault happen and ends it. */
  run: (
    cluster: Cluster,
  ) => Promise<{ through: string[]; happens: () => Promise<void>; mend: () => Promise<void> }>;
}

const nothing = async (): Promise<void> => {
  await Promise.resolve();
};
const service = (name: string) =>
  `$(docker ps -qf label=com.docker.swarm.service.name=${name} | head -n 1)`;
const without = (cluster: Cluster, name: string) => cluster.names.filter((each) => each !== name);

/** Loses a machine for as long as the longest failover takes, and some seconds. */
const lose = async (cluster: Cluster, name: string) => {
  await Promise.resolve();
  return {
    through: without(cluster, name),
    happens: async () => {
      await sleep(3000);
      await cluster.lab("kill", name);
      await sleep(45_000);
    },
    mend: async () => {
      await cluster.lab("start", name);
    },
  };
};

/** Kills one process of a machine's container, which comes back by itself. */
const crash = (cluster: Cluster, machine: string, script: string, seconds: number) => ({
  through: cluster.names,
  happens: async () => {
    await sleep(3000);
    await cluster.on(machine, script);
    await sleep(seconds * 1000);
  },
  mend: nothing,
});

const killContainer = (name: string) => `docker kill --signal KILL ${service(name)} > /dev/null`;

export const DRILLS: Readonly<Record<string, Drill>> = {
  "vm-loss": {
    about: "the primary's machine loses its power; etcd's leader is elsewhere",
    boundSeconds: 27,
    httpBoundSeconds: 3,
    run: async (cluster) => {
      const primary = await cluster.primary();
      const [other = ""] = without(cluster, primary);
      await cluster.moveEtcdLeader(other);
      return await lose(cluster, primary);
    },
  },
  "vm-loss-etcd": {
    about: "the same, and it led etcd too",
    boundSeconds: 32,
    httpBoundSeconds: 3,
    run: async (cluster) => {
      const primary = await cluster.primary();
      await cluster.moveEtcdLeader(primary);
      return await lose(cluster, primary);
    },
  },
  "vm-freeze": {
    about: "the primary's machine freezes for 60 s, and thaws",
    boundSeconds: 32,
    httpBoundSeconds: 3,
    run: async (cluster) => {
      const primary = await cluster.primary();
      return {
        through: without(cluster, primary),
        happens: async () => {
          await sleep(3000);
          await cluster.lab("pause", primary);
          await sleep(60_000);
        },
        mend: async () => {
          await cluster.lab("start", primary);
        },
      };
    },
  },
  "vm-isolate": {
    about: "the primary's machine loses its network for 90 s",
    boundSeconds: 32,
    httpBoundSeconds: 3,
    run: async (cluster) => {
      const primary = await cluster.primary();
      return {
        through: without(cluster, primary),
        happens: async () => {
          await sleep(3000);
          await cluster.lab("isolate", primary);
          await sleep(90_000);
        },
        mend: async () => {
          await cluster.lab("heal");
        },
      };
    },
  },
  "standby-loss": {
    about: "a standby's machine loses its power",
    boundSeconds: 2,
    noFailedRequest: true,
    run: async (cluster) => {
      const primary = await cluster.primary();
      return await lose(cluster, without(cluster, primary)[0] ?? "");
    },
  },
  "postgres-crash": {
    about: "kill -9 of the primary's Postgres",
    boundSeconds: 10,
    run: async (cluster) => {
      const primary = await cluster.primary();
      const kill = `docker exec ${service(`postgres-${primary}`)} bash -c 'kill -9 $(head -n 1 /var/lib/postgresql/data/main/postmaster.pid)'`;
      return crash(cluster, primary, kill, 20);
    },
  },
  "patroni-crash": {
    about: "the container of the primary's Patroni is killed",
    boundSeconds: 27,
    run: async (cluster) => {
      const primary = await cluster.primary();
      return crash(cluster, primary, killContainer(`postgres-${primary}`), 35);
    },
  },
  "etcd-loss": {
    about: "one member of etcd is killed",
    boundSeconds: 2,
    noFailedRequest: true,
    run: async (cluster) => {
      const leader = await cluster.etcdLeader();
      return crash(cluster, leader, killContainer(`etcd-${leader}`), 15);
    },
  },
  "process-crash": {
    about: "pgBouncer, HAProxy, nginx and Valkey of one machine are killed in turn",
    boundSeconds: 5,
    run: async (cluster) => {
      const [machine = ""] = without(cluster, await cluster.primary());
      return {
        through: cluster.names,
        happens: async () => {
          for (const name of ["pgbouncer", "router", "nginx", "valkey"]) {
            await sleep(3000);
            await cluster.on(machine, killContainer(`${name}-${machine}`));
            await sleep(8000);
          }
        },
        mend: nothing,
      };
    },
  },
};

/** How long a platform may take to be redundant before a run, and after the fault. Seconds. */
const REDUNDANT_SECONDS = 300;

/** One run, from a redundant platform to a redundant platform. */
export async function runDrill(name: string, run: number, cluster: Cluster): Promise<DrillResult> {
  const drill = DRILLS[name];
  if (drill === undefined)
    throw new Error(`there is no drill ${name}: ${Object.keys(DRILLS).join(", ")}`);
  await cluster.redundantWithin(REDUNDANT_SECONDS);
  const { through, happens, mend } = await drill.run(cluster);
  let redundantAfterSeconds = Number.NaN;
  const progress = { mended: false };
  try {
    const observed = await observe(cluster.target, through, async () => {
      await happens();
      await mend();
      progress.mended = true;
      redundantAfterSeconds = await cluster.redundantWithin(REDUNDANT_SECONDS);
    });
    return judge(name, run, drill, observed, redundantAfterSeconds);
  } finally {
    if (!progress.mended) await mend();
  }
}

function judge(
  name: string,
  run: number,
  drill: Drill,
  observed: Observed,
  redundantAfterSeconds: number,
): DrillResult {
  const { writeGapSeconds, httpGapSeconds, failedRequests, lostRows } = observed;
  const ok =
    lostRows === 0 &&
    writeGapSeconds <= drill.boundSeconds &&
    httpGapSeconds <= (drill.httpBoundSeconds ?? Number.POSITIVE_INFINITY) &&
    (drill.noFailedRequest !== true || failedRequests === 0) &&
    observed.acknowledgedRows > 0;
  return {
    drill: name,
    run,
    writeGapSeconds,
    httpGapSeconds,
    failedRequests,
    lostRows,
    redundantAfterSeconds,
    boundSeconds: drill.boundSeconds,
    ok,
    observed,
  };
}
