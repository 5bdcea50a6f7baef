import type { ClientConfig } from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { PORTS } from "../../components/core/ports";
import type { StackOutputs } from "../stack/pulumi";
import { HttpReader, readGapSeconds, type Reads } from "./reader";
import { Tunnel } from "./tunnel";
import {
  lostRows,
  NumberedWriter,
  prepareTable,
  rowsOf,
  writeGapSeconds,
  type Writes,
} from "./writer";

/** A running platform, as a drill sees it. */
export interface DrillTarget {
  outputs: StackOutputs;
  /** Password of the application's role. */
  databasePassword: string;
}

/** What users would have noticed while something happened. */
export interface Observed {
  /** Longest time in which no writer on a machine that stayed had an acknowledgement. Seconds. */
  writeGapSeconds: number;
  /** The same of requests over HTTPS. Seconds. */
  httpGapSeconds: number;
  requests: number;
  failedRequests: number;
  failures: Record<string, number>;
  acknowledgedRows: number;
  indeterminateRows: number;
  lostRows: number;
  writeErrors: Record<string, number>;
}

/** Longest wait until the rows can be read back. Seconds. */
const READ_BACK_SECONDS = 180;

/**
 * Writes numbered rows through the pooler of each machine of `through` and asks each one's nginx while
 * `happens` runs, then reads every acknowledged row back.
 */
export async function observe(
  target: DrillTarget,
  through: readonly string[],
  happens: () => Promise<void>,
): Promise<Observed> {
  const machines = through.map((name) => entry(target, name));
  const tunnels = await Promise.all(
    machines.map(async ({ ssh }) => await Tunnel.open(ssh, PORTS.pgBouncer)),
  );
  try {
    const configs = tunnels.map(({ port }) => databaseAt(target, port));
    const [first] = configs;
    if (first === undefined) throw new Error("no machine to write through");
    await prepareTable(first);
    const run = Date.now().toString(36);
    const writers = configs.map(
      (config, i) => new NumberedWriter(config, `${run}-${through[i] ?? ""}`),
    );
    const { certificate } = target.outputs;
    const readers = machines.map(
      ({ address }) => new HttpReader(`https://${address}/`, { certificate }),
    );
    await sleep(500);
    await happens();
    await sleep(500);
    const writes = await Promise.all(writers.map(async (writer) => await writer.stop()));
    const reads = await Promise.all(readers.map(async (reader) => await reader.stop()));
    return summary(writes, reads, await lostOf(configs, writes));
  } finally {
    for (const tunnel of tunnels) tunnel.close();
  }
}

function entry({ outputs }: DrillTarget, name: string) {
  const machine = outputs.machines[name];
  if (machine === undefined) throw new Error(`the stack has no machine ${name}`);
  return machine;
}

function databaseAt({ outputs, databasePassword }: DrillTarget, port: number): ClientConfig {
  const { name, user } = outputs.database;
  return {
    host: "127.0.0.1",
    port,
    user,
    database: name,
    password: databasePassword,
    connectionTimeoutMillis: 3000,
    // Longer than any write may wait for a failover.
    query_timeout: 60_000,
  };
}

/** Read back through any pooler that answers, once one does. */
async function lostOf(
  configs: readonly ClientConfig[],
  writes: readonly Writes[],
): Promise<number> {
  const deadline = Date.now() + READ_BACK_SECONDS * 1000;
  for (;;) {
    for (const config of configs) {
      try {
        const found = await Promise.all(
          writes.map(async ({ writer }) => await rowsOf(config, writer)),
        );
        return writes.reduce(
          (sum, each, i) => sum + lostRows(each, found[i] ?? new Set()).length,
          0,
        );
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
    await sleep(500);
  }
}

function summary(writes: readonly Writes[], reads: readonly Reads[], lost: number): Observed {
  const add = (records: readonly Record<string, number>[]) => {
    const sums: Record<string, number> = {};
    for (const record of records) {
      for (const [key, count] of Object.entries(record)) sums[key] = (sums[key] ?? 0) + count;
    }
    return sums;
  };
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  return {
    writeGapSeconds: Math.max(...writes.map(writeGapSeconds)),
    httpGapSeconds: Math.max(...reads.map(readGapSeconds)),
    requests: sum(reads.map(({ sent }) => sent)),
    failedRequests: sum(reads.map(({ failed }) => failed)),
    failures: add(reads.map(({ reasons }) => reasons)),
    acknowledgedRows: sum(writes.map(({ acknowledged }) => acknowledged.size)),
    indeterminateRows: sum(writes.map(({ indeterminate }) => indeterminate.size)),
    lostRows: lost,
    writeErrors: add(writes.map(({ errors }) => errors)),
  };
}
