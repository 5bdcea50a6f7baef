import { z } from "zod";
import { RefusedError, type Site, StudentClient } from "./client";

const RETRY_PAUSE_MS = 250;
/** How long what is needed around the load (sign-in, reading back) is tried again. */
const PATIENCE_MS = 90_000;

export interface LoadOptions {
  readonly examId: number;
  readonly students: number;
  /** Number of the first demo student. */
  readonly first: number;
  /** Saves per second, all students together. */
  readonly rate: number;
  readonly seconds: number;
}

export interface LoadReport {
  /** Requests sent, repeated ones too. */
  readonly sent: number;
  /** Answers that the server said are saved. */
  readonly acked: number;
  /** Requests without that reply. */
  readonly failed: number;
  /** Acknowledged answers that were not found again. */
  readonly lost: number;
  /** Milliseconds from request to acknowledgement. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Longest time in which no answer was acknowledged. */
  readonly longestGapSeconds: number;
  readonly seconds: number;
  /** Sessions that had to be begun again. */
  readonly signedInAgain: number;
  /** What the failed requests ended with. */
  readonly failures: Readonly<Record<string, number>>;
}

/** Counts during the run. */
class Tally {
  sent = 0;
  readonly latencies: number[] = [];
  readonly ackedAt: number[] = [];
  readonly failures = new Map<string, number>();

  fail(reason: string): void {
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1);
  }

  ack(milliseconds: number): void {
    this.latencies.push(milliseconds);
    this.ackedAt.push(performance.now());
  }
}

interface Participant {
  readonly client: StudentClient;
  readonly questionId: number;
  readonly firstSequence: number;
  readonly acknowledged: Map<number, string>;
}

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));

export async function runLoad(
  site: Site,
  options: LoadOptions,
  progress: (line: string) => void,
): Promise<LoadReport> {
  progress(`signing in ${String(options.students)} students`);
  const participants = await enter(site, options);
  progress(`saving up to ${String(options.rate)} answers/s for ${String(options.seconds)} s`);
  const tally = new Tally();
  const began = performance.now();
  const ticker = setInterval(() => {
    progress(`${String(tally.ackedAt.length)} saved, ${String(tally.sent)} sent`);
  }, 10_000);
  await Promise.all(
    participants.map((participant, index) => write(participant, index, options, tally, began)),
  );
  clearInterval(ticker);
  const ended = performance.now();
  progress(`reading ${String(tally.ackedAt.length)} acknowledged answers back`);
  let lost = 0;
  for (const participant of participants) lost += await countLost(participant);
  return report(participants, tally, lost, began, ended);
}

async function enter(site: Site, options: LoadOptions): Promise<Participant[]> {
  const participants: Participant[] = [];
  for (let index = 0; index < options.students; index += 1) {
    const number = `s${String(options.first + index).padStart(4, "0")}`;
    const client = new StudentClient(site, number);
    const { questionId, sequence } = await patiently(async () => {
      await client.signIn();
      return client.start(options.examId);
    });
    const acknowledged = new Map<number, string>();
    participants.push({ client, questionId, firstSequence: sequence, acknowledged });
  }
  return participants;
}

/** One student's share: the next answer only once the one before is acknowledged. */
async function write(
  participant: Participant,
  index: number,
  options: LoadOptions,
  tally: Tally,
  began: number,
): Promise<void> {
  const interval = (options.students / options.rate) * 1000;
  const end = began + options.seconds * 1000;
  let due = began + (index * interval) / options.students;
  let sequence = participant.firstSequence + 1;
  let repeated = false;
  for (;;) {
    await sleep(due - performance.now());
    if (performance.now() >= end) return;
    const next = await saveOnce(participant, sequence, tally);
    repeated = next === sequence;
    sequence = next;
    // After a stall the pace is as before: what was missed is not made up for in a burst.
    due = repeated
      ? performance.now() + RETRY_PAUSE_MS
      : Math.max(due + interval, performance.now());
  }
}

/** Sends one answer; returns the sequence to send next, the same one when it has to be repeated. */
async function saveOnce(
  { client, questionId, acknowledged }: Participant,
  sequence: number,
  tally: Tally,
): Promise<number> {
  const value = `Answer ${String(sequence)} of ${client.number}`;
  tally.sent += 1;
  try {
    const reply = await client.save(questionId, sequence, value);
    if (reply.status === 200) {
      tally.ack(reply.milliseconds);
      acknowledged.set(sequence, value);
      return sequence + 1;
    }
    tally.fail(String(reply.status));
    if (reply.status === 401) await client.signIn();
    if (reply.status === 409) return afterConflict(new RefusedError(reply, client.number));
  } catch (error) {
    if (error instanceof RefusedError && error.reply.status === 409) throw error;
    tally.fail(reasonOf(error));
  }
  return sequence;
}

/** Somebody else writes as this student too: go on after them. Any other conflict ends the run. */
function afterConflict(refusal: RefusedError): number {
  const stale = z
    .object({ error: z.object({ current: z.number() }) })
    .safeParse(refusal.reply.body);
  if (!stale.success) throw refusal;
  return stale.data.error.current + 1;
}

async function countLost(participant: Participant): Promise<number> {
  const { client, questionId, firstSequence, acknowledged } = participant;
  const stored = await patiently(async () => {
    try {
      return await client.history(questionId, firstSequence);
    } catch (error) {
      if (error instanceof RefusedError && error.reply.status === 401) await client.signIn();
      throw error;
    }
  });
  const values = new Map(stored.map((answer) => [answer.sequence, answer.value]));
  return [...acknowledged].filter(([sequence, value]) => values.get(sequence) !== value).length;
}

/** Tries again what a platform in the middle of a failover may refuse. */
async function patiently<Result>(action: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      const status = error instanceof RefusedError ? error.reply.status : 0;
      const final = [400, 403, 404, 409].includes(status) || error instanceof z.ZodError;
      if (final || performance.now() > deadline) throw error;
      await sleep(status === 429 ? 5_000 : 1_000);
    }
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  if (error.name === "TimeoutError" || error.name === "AbortError") return "timeout";
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}

function report(
  participants: readonly Participant[],
  tally: Tally,
  lost: number,
  began: number,
  ended: number,
): LoadReport {
  const sorted = [...tally.latencies].sort((one, other) => one - other);
  const moments = [began, ...tally.ackedAt, ended];
  const gaps = moments.slice(1).map((moment, index) => moment - (moments[index] ?? moment));
  const failed = [...tally.failures.values()].reduce((sum, amount) => sum + amount, 0);
  return {
    sent: tally.sent,
    acked: tally.ackedAt.length,
    failed,
    lost,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
    longestGapSeconds: Math.round(Math.max(...gaps)) / 1000,
    seconds: Math.round(ended - began) / 1000,
    signedInAgain: participants.reduce((sum, { client }) => sum + client.signIns - 1, 0),
    failures: Object.fromEntries(tally.failures),
  };
}

/** Nearest rank in sorted numbers, rounded to a tenth; 0 when there are none. */
export function percentile(sorted: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return Math.round((sorted[rank - 1] ?? 0) * 10) / 10;
}
