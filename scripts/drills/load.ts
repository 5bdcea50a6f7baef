import type { ClientConfig } from "pg";
import { setTimeout as sleep } from "node:timers/promises";
import { PORTS } from "../../components/core/ports";
import type { StackOutputs } from "../stack/pulumi";
import { HttpReader, readGapSeconds, type Reads } from "./reader";
import { Tunnel } from "./tunnel";
import { StolenTime } from "./stolen-time";
import { inventedRows, longestWriteGap, lostRows, staleRows, type Writes } from "./history";
import { NumberedWriter, prepareTable, rowsOf } from "./writer";

/** A running platform, as a drill sees it. */
export interface DrillTarget {
  outputs: StackOutputs;
  /** Password of the application's role. */
  databasePassword: string;
}

/** What users would have noticed while something happened. */
export interface Observed {
  /** Longest time that any one writer on a machine that stayed waited for an acknowledgement. Seconds. */
  writeGapSeconds: number;
  /** Which writer that was, and since when: for a look into the logs. */
  writeGap: string;
  /** The same of requests over HTTPS. Seconds. */
  httpGapSeconds: number;
  /** Longest wait for one answer. Seconds. */
  longestRequestSeconds: number;
  requests: number;
  failedRequests: number;
  failures: Record<string, number>;
  /** Requests and statements that failed, by the machine that was asked; nothing where users go by the entry. */
  failedBy: Record<string, number>;
  acknowledgedRows: number;
  indeterminateRows: number;
  lostRows: number;
  /** Rows that a former primary acknowledged while there was a newer one. */
  staleRows: number;
  /** Rows that are there and were never sent. */
  inventedRows: number;
  writeErrors: Record<string, number>;
  /** Processor time of this computer that others on the same hardware had meanwhile. Percent. */
  stolenPercent: number;
  /** The same in the worst second. */
  worstStolenPercent: number;
}

/** Longest wait until the rows can be read back. Seconds. */
const READ_BACK_SECONDS = 180;
/** Requests on their way to each machine at a time. Count. */
const READERS = 4;
/** Writers through each machine. Count. */
const WRITERS = 2;

/** Machines whose users are watched, and machines that something happens to. */
export interface Watched {
  stay: readonly string[];
  /** Written through too: what users there were told must be true, but how long they wait does not count. */
  hit?: readonly string[];
  /** Asks by all addresses of the entry, as users of a name with several do, instead of by each machine's. */
  byEntry?: boolean;
}

/**
 * Writes numbered rows through the pooler of each machine and asks each one's nginx while `happens`
 * runs, then reads every acknowledged row back.
 */
export async function observe(
  target: DrillTarget,
  { stay, hit = [], byEntry = false }: Watched,
  happens: () => Promise<void>,
): Promise<Observed> {
  const names = [...stay, ...hit];
  const tunnels = await Promise.all(
    names.map(async (name) => await Tunnel.open(entry(target, name).ssh, PORTS.pgBouncer)),
  );
  try {
    const configs = tunnels.map(({ port }) => databaseAt(target, port));
    const [first] = configs;
    if (first === undefined) throw new Error("no machine to write through");
    await prepareTable(first);
    const run = Date.now().toString(36);
    const writers = configs.map((config, i) =>
      Array.from(
        { length: WRITERS },
        (_, k) => new NumberedWriter(config, `${run}-${names[i] ?? ""}-${k}`),
      ),
    );
    const { certificate, urls } = target.outputs;
    const addresses = byEntry
      ? [names.map((name) => entry(target, name).address)]
      : stay.map((name) => [entry(target, name).address]);
    const readers = addresses.map((asked) =>
      Array.from(
        { length: READERS },
        () => new HttpReader(urls[0] ?? "", { addresses: asked, certificate, pauseMs: 100 }),
      ),
    );
    await sleep(500);
    const stolen = new StolenTime();
    await happens();
    const { all: stolenPercent, worst: worstStolenPercent } = stolen.stop();
    await sleep(500);
    const stopped = async <T>(groups: readonly (readonly { stop: () => Promise<T> }[])[]) =>
      await Promise.all(
        groups.map(async (group) => await Promise.all(group.map((each) => each.stop()))),
      );
    const [writes, reads] = await Promise.all([stopped(writers), stopped(readers)]);
    const found = await readBack(configs, writes.flat());
    const seen = summary(writes.flat(), writes.slice(0, stay.length).flat(), reads, found);
    const failedBy = byEntry ? {} : failuresOf(stay, writes, reads);
    return { ...seen, failedBy, stolenPercent, worstStolenPercent };
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

/** What the database holds of each writer, through any pooler that answers, once one does. */
async function readBack(
  configs: readonly ClientConfig[],
  writes: readonly Writes[],
): Promise<Set<number>[]> {
  const deadline = Date.now() + READ_BACK_SECONDS * 1000;
  for (;;) {
    for (const config of configs) {
      try {
        return await Promise.all(writes.map(async ({ writer }) => await rowsOf(config, writer)));
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
    await sleep(500);
  }
}

/** Of each machine, in the order in which its writers and readers are given. */
function failuresOf(
  machines: readonly string[],
  writes: readonly (readonly Writes[])[],
  reads: readonly (readonly Reads[])[],
): Record<string, number> {
  const statements = (each: readonly Writes[] = []) =>
    sum(each.flatMap(({ errors }) => Object.values(errors)));
  const requests = (each: readonly Reads[] = []) => sum(each.map(({ failed }) => failed));
  return Object.fromEntries(
    machines.map((name, i) => [name, statements(writes[i]) + requests(reads[i])]),
  );
}

/** `byMachine`: the reads; `found`: rows of each writer; gaps are those of writers that `stayed`. */
function summary(
  writes: readonly Writes[],
  stayed: readonly Writes[],
  byMachine: readonly (readonly Reads[])[],
  found: readonly ReadonlySet<number>[],
): Omit<Observed, "failedBy" | "stolenPercent" | "worstStolenPercent"> {
  const reads = byMachine.flat();
  const rows = (judge: (each: Writes, there: ReadonlySet<number>) => number[]) =>
    sum(writes.map((each, i) => judge(each, found[i] ?? new Set()).length));
  // Where it befalls every machine there are no others to look at.
  const judged = stayed.length > 0 ? stayed : writes;
  const [gap] = judged.map(longestWriteGap).sort((a, b) => b.seconds - a.seconds);
  return {
    writeGapSeconds: gap?.seconds ?? Number.NaN,
    writeGap: gap === undefined ? "" : `${gap.writer} from ${new Date(gap.from).toISOString()}`,
    httpGapSeconds: longest(byMachine.map(readGapSeconds)),
    longestRequestSeconds: longest(reads.map(({ longestSeconds }) => longestSeconds)),
    requests: sum(reads.map(({ sent }) => sent)),
    failedRequests: sum(reads.map(({ failed }) => failed)),
    failures: add(reads.map(({ reasons }) => reasons)),
    acknowledgedRows: sum(writes.map(({ acknowledged }) => acknowledged.size)),
    indeterminateRows: sum(writes.map(({ indeterminate }) => indeterminate.size)),
    lostRows: rows(lostRows),
    staleRows: staleRows(writes).length,
    inventedRows: rows(inventedRows),
    writeErrors: add(stayed.map(({ errors }) => errors)),
  };
}

/** Not a number where nothing was measured: that keeps to no bound. */
const longest = (seconds: readonly number[]) =>
  seconds.length > 0 ? Math.max(...seconds) : Number.NaN;

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

function add(records: readonly Record<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const record of records) {
    for (const [key, count] of Object.entries(record)) sums[key] = (sums[key] ?? 0) + count;
  }
  return sums;
}
