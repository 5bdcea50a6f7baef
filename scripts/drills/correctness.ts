import { setTimeout as sleep } from "node:timers/promises";
import { PORTS } from "../../components/core/ports";
import type { Cluster } from "./cluster";
import { containerOf } from "./cluster";
import type { Drill } from "./drill";
import { SECOND, secondsUntil } from "./fault";
import type { EditableStack } from "./lab-stack";
import { MACHINE_FAULTS } from "./machine-faults";
import { PROCESS_FAULTS } from "./process-faults";

const DEFAULT_MINUTES = 10;
/** The table of a partition; it goes by itself if nobody removes it. */
const TABLE = "trivet_partition";

/** What a partition drops on the machine that it is set on. */
type Way =
  /** What comes from the others, so that it still speaks and hears nothing. */
  | "deaf"
  /** What goes to the others, so that it hears and cannot speak. */
  | "mute"
  /** Connections that begin now; those that are open stay. */
  | "new connections";

/** Shell that cuts a machine off from some others. */
export function partition(addresses: readonly string[], way: Way): string {
  const list = `{ ${addresses.join(", ")} }`;
  const rules = {
    deaf: [`in ip saddr ${list} drop`],
    mute: [`out ip daddr ${list} drop`],
    "new connections": [
      `in ip saddr ${list} tcp flags syn / fin,syn,rst,ack drop`,
      `out ip daddr ${list} tcp flags syn / fin,syn,rst,ack drop`,
    ],
  };
  return [
    HEAL,
    `nft add table inet ${TABLE}`,
    `nft add chain inet ${TABLE} in '{ type filter hook input priority -300; }'`,
    `nft add chain inet ${TABLE} out '{ type filter hook output priority -300; }'`,
    ...rules[way].map((rule) => `nft add rule inet ${TABLE} '${rule}'`),
    `systemd-run -q --unit=${TABLE} --on-active=180 nft delete table inet ${TABLE}`,
    "echo done",
  ].join("\n");
}

const HEAL = `systemctl stop -q ${TABLE}.timer 2> /dev/null || true
nft delete table inet ${TABLE} 2> /dev/null || true`;

/** A fault that lasts as long as `wait`, or as it does in its own drill, and is undone. */
interface Step {
  name: string;
  run: (cluster: Cluster, wait: () => Promise<void>, stack: EditableStack) => Promise<void>;
}

/** The fault of another drill. */
const drilled = (name: string): Step => ({
  name,
  run: async (cluster, _wait, stack) => {
    const drill = PROCESS_FAULTS[name] ?? MACHINE_FAULTS[name];
    if (drill === undefined) throw new Error(`there is no drill ${name}`);
    const fault = await drill.prepare(cluster, stack);
    try {
      await fault.happens({});
    } finally {
      try {
        await fault.mend?.();
      } finally {
        await fault.tidy?.();
      }
    }
  },
});

async function cut(
  cluster: Cluster,
  machine: string,
  from: readonly string[],
  way: Way,
  wait: () => Promise<void>,
): Promise<void> {
  const addresses = from.map((name) => cluster.addressOf(name));
  await cluster.on(machine, partition(addresses, way));
  try {
    await wait();
  } finally {
    await cluster.on(machine, `${HEAL}; echo done`);
  }
}

/** The lab's own fault of a machine, and its end. */
const machineFault = (
  fault: "kill" | "pause" | "isolate",
  who: "primary" | "any",
  ...options: string[]
): Step => ({
  name: [fault, `the ${who === "primary" ? "primary's" : "any"} machine`, ...options].join(" "),
  run: async (cluster, wait) => {
    const machine = who === "primary" ? await cluster.primary() : oneOf(cluster.names);
    await cluster.lab(fault, machine, ...options);
    try {
      await wait();
    } finally {
      await cluster.lab(...(fault === "isolate" ? ["heal", machine] : ["start", machine]));
    }
  },
});

const processFault = (service: string): Step => ({
  name: `kill ${service} of the primary's machine`,
  run: async (cluster, wait) => {
    const primary = await cluster.primary();
    const container = containerOf(`${service}-${primary}`);
    await cluster.on(primary, `docker kill --signal KILL ${container} > /dev/null; echo done`);
    await wait();
  },
});

const STEPS: readonly Step[] = [
  machineFault("kill", "primary"),
  machineFault("kill", "any"),
  machineFault("pause", "primary"),
  machineFault("isolate", "primary"),
  machineFault("isolate", "any"),
  // Its users still reach it, so that it could tell them that it wrote.
  machineFault("isolate", "primary", "--peers-only"),
  processFault("postgres"),
  processFault("etcd"),
  processFault("pgbouncer"),
  processFault("router"),
  ...[
    "postgres-crash",
    "etcd-loss",
    "etcd-outage",
    "process-crash",
    "dockerd-crash",
    "switchover",
    "standby-loss",
    "power-loss",
    "disk-full",
  ].map(drilled),
  {
    name: "split the primary from etcd's leader",
    run: async (cluster, wait) => {
      const primary = await cluster.primary();
      const [other = ""] = cluster.others(primary);
      await cluster.moveEtcdLeader(other);
      await cut(cluster, primary, [other], "deaf", wait);
    },
  },
  ...(["deaf", "mute", "new connections"] as const).map((way): Step => ({
    name: `the primary's machine is cut off: ${way}`,
    run: async (cluster, wait) => {
      const primary = await cluster.primary();
      await cut(cluster, primary, cluster.others(primary), way, wait);
    },
  })),
  {
    name: "the primary's standbys cannot replicate",
    run: async (cluster, wait) => {
      const primary = await cluster.primary();
      const rule = `in tcp dport ${PORTS.postgres} iifname != lo drop`;
      await cluster.on(
        primary,
        partition(["192.0.2.1"], "deaf").replace(
          "echo done",
          `nft add rule inet ${TABLE} '${rule}'\necho done`,
        ),
      );
      try {
        await wait();
      } finally {
        await cluster.on(primary, `${HEAL}; echo done`);
      }
    },
  },
];

function oneOf<T>(values: readonly T[]): T {
  const value = values[Math.floor(Math.random() * values.length)];
  if (value === undefined) throw new Error("nothing to choose from");
  return value;
}

/** In random order. */
function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value);
}

/** Faults in random order, none again before all have been, each for 5 to 45 s, with 5 to 25 s in between. */
export const CORRECTNESS: Drill = {
  about:
    "minutes of random faults (DRILL_MINUTES, 10): no acknowledged row is lost, none comes from two primaries",
  // A gap lasts as long as a fault that leaves no majority; only what was promised is judged.
  boundSeconds: 300,
  // Some cannot be done while the last one is still healing.
  limits: { notDonePercent: 25 },
  prepare: async (cluster, stack) => {
    await Promise.resolve();
    const minutes = Number(process.env.DRILL_MINUTES ?? DEFAULT_MINUTES);
    if (!(minutes > 0)) throw new Error("DRILL_MINUTES must be a number above 0");
    return {
      hit: cluster.names,
      byEntry: true,
      happens: async (details) => {
        details.faults = 0;
        let tried = 0;
        let steps: Step[] = [];
        const end = Date.now() + minutes * 60 * SECOND;
        while (Date.now() < end) {
          if (steps.length === 0) steps = shuffled(STEPS);
          const step = steps.pop();
          if (step === undefined) break;
          tried += 1;
          await secondsUntil(async () => (await cluster.primary().catch(() => "")) !== "", 120);
          const seconds = 5 + Math.random() * 40;
          process.stderr.write(
            `  ${new Date().toISOString()} ${step.name}, ${seconds.toFixed(0)} s\n`,
          );
          try {
            const wait = async () => {
              await sleep(seconds * SECOND);
            };
            await step.run(cluster, wait, stack);
            details.faults += 1;
          } catch (error) {
            process.stderr.write(`  not done: ${String(error)}\n`);
          }
          await sleep((5 + Math.random() * 20) * SECOND);
        }
        details.notDonePercent = ((tried - details.faults) / tried) * 100;
      },
    };
  },
};
