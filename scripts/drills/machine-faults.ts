import { setTimeout as sleep } from "node:timers/promises";
import { reboot } from "../operator/reboot";
import { switchover } from "../operator/switchover";
import type { Cluster } from "./cluster";
import { containerOf } from "./cluster";
import { exhaust, FILL, OWN_DISK, SHARED_DISK, UNFILL } from "./disk";
import type { Details, Drill, Fault } from "./drill";
import { SECOND, secondsUntil } from "./fault";

/** The application of the local stacks. */
const APPLICATION = "web";

/** A machine loses its power until all its tasks run elsewhere, and longer than any failover. */
function lose(cluster: Cluster, name: string): Fault {
  return {
    hit: [name],
    happens: async (details) => {
      const tasks = await cluster.running(APPLICATION);
      if (tasks === 0) throw new Error(`no replica of ${APPLICATION} runs before the fault`);
      await cluster.lab("kill", name);
      const rescheduled = async () => (await cluster.running(APPLICATION, [name])) >= tasks;
      details.rescheduledAfterSeconds = await secondsUntil(rescheduled, 120);
      await sleep(Math.max(0, 40 - details.rescheduledAfterSeconds) * SECOND);
    },
    mend: async () => {
      await cluster.lab("start", name);
    },
  };
}

/** Shell that tells whether this machine's Postgres takes no writes. */
const demoted = (machine: string) =>
  `test "$(docker exec ${containerOf(`postgres-${machine}`)} psql -U postgres -Atc 'select pg_is_in_recovery()' 2> /dev/null || echo down)" != f && echo yes`;

/** The old primary stops being one, and containers on all machines find each other again. */
async function checkReturn(
  cluster: Cluster,
  name: string,
  details: Details,
  endedAt: number,
): Promise<void> {
  const elapsed = () => (Date.now() - endedAt) / SECOND;
  const isDemoted = async () =>
    (await cluster.on(name, demoted(name), 10).catch(() => "")) === "yes";
  details.demotedAfterSeconds = elapsed() + (await secondsUntil(isDemoted, 120));
  const resolve = (machine: string) =>
    `docker exec ${containerOf(`nginx-${machine}`)} getent ahostsv4 ${APPLICATION} | awk '{ print $1 }' | sort -u | wc -l`;
  const resolves = async () => {
    const tasks = await cluster.running(APPLICATION);
    const found = await Promise.all(
      cluster.names.map(async (each) => await cluster.on(each, resolve(each), 10).catch(() => "")),
    );
    return tasks > 0 && found.every((count) => Number(count) === tasks);
  };
  details.namesResolveAfterSeconds = elapsed() + (await secondsUntil(resolves, 120));
}

/** Whether the primary takes writes, and every machine answers users. */
async function serves(cluster: Cluster): Promise<boolean> {
  try {
    const primary = await cluster.primary();
    const inRecovery = `docker exec ${containerOf(`postgres-${primary}`)} psql -U postgres -Atc 'select pg_is_in_recovery()'`;
    const { host } = new URL(cluster.target.outputs.urls[0] ?? "");
    const page = (name: string) =>
      `curl -sk -m 5 -o /dev/null -w '%{http_code}' -H 'Host: ${host}' https://${cluster.addressOf(name)}/`;
    const [writes, ...pages] = await Promise.all([
      cluster.on(primary, inRecovery, 10),
      ...cluster.names.map(async (name) => await cluster.on(name, page(name), 10)),
    ]);
    return writes === "f" && pages.every((status) => status === "200");
  } catch {
    return false;
  }
}

/** `peersOnly`: users still reach the machine, so that it could go on telling them that it wrote. */
function isolation(seconds: number, peersOnly = false): Drill {
  return {
    about: peersOnly
      ? `the primary's machine loses the others for ${seconds} s, and its users still reach it`
      : `the primary's machine loses its network for ${seconds} s`,
    boundSeconds: 32,
    httpBoundSeconds: 3,
    limits: { namesResolveAfterSeconds: 60 },
    prepare: async (cluster) => {
      const primary = await cluster.primary();
      return {
        hit: [primary],
        happens: async () => {
          await cluster.lab("isolate", primary, ...(peersOnly ? ["--peers-only"] : []));
          await sleep(seconds * SECOND);
        },
        mend: async () => {
          await cluster.lab("heal", primary);
        },
        check: async (details, endedAt) => {
          await checkReturn(cluster, primary, details, endedAt);
        },
      };
    },
  };
}

/** As a loss of the machine, and then it is there again and does not know that it was away. */
function freeze(ledEtcd: boolean): Drill {
  const about = "the primary's machine freezes for 60 s, and thaws";
  return {
    about: ledEtcd ? `${about}; it led etcd too` : `${about}; etcd's leader is elsewhere`,
    boundSeconds: ledEtcd ? 32 : 27,
    httpBoundSeconds: 3,
    limits: { demotedAfterSeconds: 10, namesResolveAfterSeconds: 60 },
    prepare: async (cluster) => {
      const primary = await cluster.primary();
      await cluster.moveEtcdLeader(ledEtcd ? primary : (cluster.others(primary)[0] ?? ""));
      return {
        hit: [primary],
        happens: async () => {
          await cluster.lab("pause", primary);
          await sleep(60 * SECOND);
        },
        mend: async () => {
          await cluster.lab("start", primary);
        },
        check: async (details, endedAt) => {
          await checkReturn(cluster, primary, details, endedAt);
        },
      };
    },
  };
}

const LOSS = { rescheduledAfterSeconds: 60 };

/** Faults of whole machines, and a restart of all of them. */
export const MACHINE_FAULTS: Readonly<Record<string, Drill>> = {
  "vm-loss": {
    about: "the primary's machine loses its power; etcd's leader is elsewhere",
    boundSeconds: 27,
    httpBoundSeconds: 3,
    limits: LOSS,
    prepare: async (cluster) => {
      const primary = await cluster.primary();
      await cluster.moveEtcdLeader(cluster.others(primary)[0] ?? "");
      return lose(cluster, primary);
    },
  },
  "vm-loss-etcd": {
    about: "the primary's machine loses its power, and led etcd too",
    boundSeconds: 32,
    httpBoundSeconds: 3,
    limits: LOSS,
    prepare: async (cluster) => {
      const primary = await cluster.primary();
      await cluster.moveEtcdLeader(primary);
      return lose(cluster, primary);
    },
  },
  "vm-loss-swarm": {
    about: "the primary's machine loses its power, and led the Swarm too",
    boundSeconds: 27,
    httpBoundSeconds: 3,
    limits: LOSS,
    prepare: async (cluster) => {
      const leader = await cluster.swarmLeader();
      if ((await cluster.primary()) !== leader) {
        await switchover(cluster.target.outputs, { to: leader, say: () => undefined });
      }
      await cluster.moveEtcdLeader(cluster.others(leader)[0] ?? "");
      await cluster.redundantWithin(120);
      return lose(cluster, leader);
    },
  },
  "vm-freeze": freeze(false),
  "vm-freeze-etcd": freeze(true),
  "vm-isolate": isolation(90),
  "vm-isolate-short": isolation(20),
  "vm-isolate-peers": isolation(90, true),
  "standby-loss": {
    about: "a standby's machine loses its power, with a replica of the application on it",
    boundSeconds: 2,
    failedRequestsBound: 0,
    failedWritesBound: 0,
    prepare: async (cluster) => {
      const standbys = cluster.others(await cluster.primary());
      const counts = await Promise.all(
        standbys.map(async (name) => await cluster.running(APPLICATION, cluster.others(name))),
      );
      const standby = standbys[counts.findIndex((count) => count > 0)];
      if (standby === undefined) throw new Error(`no standby's machine runs ${APPLICATION}`);
      return lose(cluster, standby);
    },
  },
  "disk-full": {
    about: "the data disk of the primary's machine is full for 40 s, and Postgres needs more of it",
    boundSeconds: 60,
    limits: { unnoticed: 0 },
    prepare: async (cluster) => {
      const primary = await cluster.primary();
      await cluster.on(primary, OWN_DISK, 300);
      await cluster.redundantWithin(300);
      // Docker was stopped for that, so the primary has moved.
      if ((await cluster.primary()) !== primary) {
        await switchover(cluster.target.outputs, { to: primary, say: () => undefined });
        await cluster.redundantWithin(300);
      }
      return {
        hit: [primary],
        happens: async (details) => {
          await cluster.on(primary, FILL);
          const since = Date.now();
          const container = containerOf(`postgres-${primary}`);
          const [begun = "", ...said] = (await cluster.on(primary, exhaust(container))).split(" ");
          details.segments = Number(begun);
          const refused =
            /No space left|closed the connection|could not connect|starting up|in recovery/i;
          details.unnoticed = refused.test(said.join(" ")) ? 0 : 1;
          if (details.unnoticed > 0) process.stderr.write(`${said.join(" ")}\n`);
          await sleep(Math.max(0, since + 40 * SECOND - Date.now()));
        },
        mend: async () => {
          await cluster.on(primary, UNFILL);
        },
        tidy: async () => {
          await cluster.on(primary, SHARED_DISK, 300);
        },
      };
    },
  },
  "power-loss": {
    about: "all machines lose their power, and start in random order",
    // Off for ten seconds, then serving 120 s after the last start.
    boundSeconds: 140,
    httpBoundSeconds: 140,
    limits: { servingAfterSeconds: 120 },
    prepare: async (cluster) => {
      await Promise.resolve();
      const order = [...cluster.names].sort(() => Math.random() - 0.5);
      let lastStart = Number.NaN;
      return {
        hit: [],
        happens: async () => {
          await Promise.all(order.map((name) => cluster.lab("kill", name)));
          await sleep(10 * SECOND);
        },
        mend: async () => {
          for (const name of order) {
            if (name !== order[0]) await sleep(Math.random() * 5 * SECOND);
            lastStart = Date.now();
            await cluster.lab("start", name);
          }
        },
        check: async (details) => {
          const booted = (Date.now() - lastStart) / SECOND;
          details.servingAfterSeconds = booted + (await secondsUntil(() => serves(cluster), 300));
        },
      };
    },
  },
  reboot: {
    about: "./scripts/trivet reboot: every machine in turn",
    // Of a client that knows the one machine which is just restarting.
    boundSeconds: 300,
    httpBoundSeconds: 3,
    failedRequestsBound: 0,
    prepare: async (cluster) => {
      await Promise.resolve();
      return {
        hit: cluster.names,
        byEntry: true,
        happens: async () => {
          await reboot(cluster.target.outputs, {
            machines: [],
            agree: async () => await Promise.resolve(true),
            say: (text) => {
              process.stderr.write(`  ${text}\n`);
            },
            restart: async ({ name }) => {
              await cluster.lab("kill", name);
              await cluster.lab("start", name);
            },
          });
        },
      };
    },
  },
};
