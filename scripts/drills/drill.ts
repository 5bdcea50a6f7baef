import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster";
import type { EditableStack } from "./lab-stack";
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
  /** What it failed for. */
  broken: string[];
  /** Further figures of this drill. */
  details: Details;
  observed: Observed;
}

/** Figures by their name; where the drill has a limit of that name, none may be above it. */
export type Details = Record<string, number>;

/** A fault as it is about to happen. */
export interface Fault {
  /** Machines that it befalls: users of theirs are not counted, but what they were told is. */
  hit: readonly string[];
  /** The one machine whose users may notice; how many requests and statements fail on others is `failedElsewhere`. */
  only?: string;
  /** It befalls every machine in turn: users go by the entry. */
  byEntry?: boolean;
  /** Makes it happen and lasts as long as it does. */
  happens: (details: Details) => Promise<void>;
  /** Ends it; called again if the drill fails in between. */
  mend?: () => Promise<void>;
  /** Puts machines back as they were before it was prepared, once all has been measured. */
  tidy?: () => Promise<void>;
  /** Looks at what must be true once it is over. `endedAt`: when it began to end. Milliseconds since the epoch. */
  check?: (details: Details, endedAt: number) => Promise<void>;
}

/** What users may notice. */
export interface Bounds {
  /** Longest pause of writes. Seconds. */
  boundSeconds: number;
  /** Longest time without an answer over HTTPS on a machine that is not hit. Seconds. */
  httpBoundSeconds?: number;
  /** Most requests that may fail. */
  failedRequestsBound?: number;
  /** Most statements of writers on machines that are not hit that may fail. */
  failedWritesBound?: number;
  /** Upper limits of details. */
  limits?: Details;
}

/** A fault, and what users may notice of it. */
export interface Drill extends Bounds {
  about: string;
  prepare: (cluster: Cluster, stack: EditableStack) => Promise<Fault>;
}

/** How long a platform may take to be redundant before a run, and after the fault. Seconds. */
const REDUNDANT_SECONDS = 300;
/** Load before the fault. Milliseconds. */
const WARM_UP = 3000;

/** One run, from a redundant platform to a redundant platform. */
export async function runDrill(
  name: string,
  drill: Drill,
  run: number,
  cluster: Cluster,
  stack: EditableStack,
): Promise<DrillResult> {
  await cluster.redundantWithin(REDUNDANT_SECONDS);
  const fault = await drill.prepare(cluster, stack);
  const { hit, byEntry = false, happens, mend, check, tidy } = fault;
  const details: Details = {};
  let redundantAfterSeconds = Number.NaN;
  let unrecovered: string | undefined;
  const progress = { mended: false };
  const stay = cluster.names.filter((machine) => !hit.includes(machine));
  try {
    const observed = await observe(cluster.target, { stay, hit, byEntry }, async () => {
      await sleep(WARM_UP);
      await happens(details);
      const endedAt = Date.now();
      await mend?.();
      progress.mended = true;
      const since = Date.now();
      await check?.(details, endedAt);
      // What users were told is checked all the same.
      unrecovered = await reasonOf(cluster.redundantWithin(REDUNDANT_SECONDS));
      if (unrecovered === undefined) redundantAfterSeconds = (Date.now() - since) / 1000;
    });
    if (fault.only !== undefined) details.failedElsewhere = failedBut(fault.only, observed);
    return judge(name, drill, run, { observed, details, redundantAfterSeconds }, unrecovered);
  } finally {
    try {
      if (!progress.mended) await mend?.();
    } finally {
      await tidy?.();
    }
  }
}

/** Why something failed, if it did. */
export async function reasonOf(attempt: Promise<unknown>): Promise<string | undefined> {
  return await attempt.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

/** What was measured, and whether it was good enough. `unrecovered`: why not everything was there twice again. */
export function judge(
  name: string,
  drill: Bounds,
  run: number,
  seen: Pick<DrillResult, "observed" | "details" | "redundantAfterSeconds">,
  unrecovered?: string,
): DrillResult {
  const { writeGapSeconds, httpGapSeconds, failedRequests, lostRows } = seen.observed;
  const bounds = brokenBounds(drill, seen.observed, seen.details);
  const broken = unrecovered === undefined ? bounds : [...bounds, unrecovered];
  return {
    drill: name,
    run,
    writeGapSeconds,
    httpGapSeconds,
    failedRequests,
    lostRows,
    boundSeconds: drill.boundSeconds,
    ok: broken.length === 0,
    broken,
    ...seen,
  };
}

/** Statements that failed, whatever they were told. */
const failedWrites = ({ writeErrors }: Observed) =>
  Object.values(writeErrors).reduce((a, b) => a + b, 0);

/** What failed on other machines than one. */
export const failedBut = (machine: string, { failedBy }: Observed) =>
  Object.entries(failedBy).reduce((sum, [name, count]) => sum + (name === machine ? 0 : count), 0);

/** What a run did not keep to, in words. */
export function brokenBounds(drill: Bounds, observed: Observed, details: Details): string[] {
  const above = (what: string, value: number, bound: number | undefined) =>
    bound !== undefined && !(value <= bound) ? [`${what} ${value}, at most ${bound}`] : [];
  return [
    ...above("writeGapSeconds", observed.writeGapSeconds, drill.boundSeconds),
    ...above("httpGapSeconds", observed.httpGapSeconds, drill.httpBoundSeconds),
    ...above("failedRequests", observed.failedRequests, drill.failedRequestsBound),
    ...above("failedWrites", failedWrites(observed), drill.failedWritesBound),
    ...above("lostRows", observed.lostRows, 0),
    ...above("staleRows", observed.staleRows, 0),
    ...above("inventedRows", observed.inventedRows, 0),
    ...Object.entries(drill.limits ?? {}).flatMap(([name, limit]) =>
      above(name, details[name] ?? Number.NaN, limit),
    ),
    ...(observed.acknowledgedRows > 0 ? [] : ["nothing was written"]),
    ...(observed.requests > 0 ? [] : ["nothing was asked"]),
  ];
}
