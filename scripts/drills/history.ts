/** A row whose commit was acknowledged. */
export interface Acknowledgement {
  /** When it was sent, and when the answer came. Milliseconds since the epoch. */
  sentAt: number;
  at: number;
  /** Timeline of the server that committed it: each promotion begins the next one. */
  timeline: number;
}

/** What became of the rows of one writer. */
export interface Writes {
  writer: string;
  /** By their numbers. */
  acknowledged: Map<number, Acknowledgement>;
  /** Numbers that were sent and not answered, or answered with a warning: they may be there or not. */
  indeterminate: Set<number>;
  /** Errors with counts. */
  errors: Record<string, number>;
  startedAt: number;
  endedAt: number;
}

/** Acknowledged numbers that are not there: the one figure that has to be 0. */
export function lostRows(writes: Writes, found: ReadonlySet<number>): number[] {
  return [...writes.acknowledged.keys()].filter((n) => !found.has(n));
}

/** Rows that are there although nobody ever sent them, or twice: a database must not make any up. */
export function inventedRows(writes: Writes, found: ReadonlySet<number>): number[] {
  return [...found].filter((n) => !writes.acknowledged.has(n) && !writes.indeterminate.has(n));
}

/**
 * Rows that a former primary acknowledged: they were sent after another writer, or the same, had seen
 * an answer from a later timeline. With two primaries at a time there is at least one.
 */
export function staleRows(writers: readonly Writes[]): { writer: string; n: number }[] {
  const all = writers.flatMap(({ writer, acknowledged }) =>
    [...acknowledged].map(([n, ack]) => ({ writer, n, ...ack })),
  );
  const answered = [...all].sort((a, b) => a.at - b.at);
  const sent = [...all].sort((a, b) => a.sentAt - b.sentAt);
  const stale: { writer: string; n: number }[] = [];
  let newest = 0;
  let next = 0;
  for (const row of sent) {
    for (; next < answered.length; next += 1) {
      const earlier = answered[next];
      if (earlier === undefined || earlier.at >= row.sentAt) break;
      newest = Math.max(newest, earlier.timeline);
    }
    if (row.timeline < newest) stale.push({ writer: row.writer, n: row.n });
  }
  return stale;
}

/** A time without an acknowledgement. */
export interface WriteGap {
  writer: string;
  /** Its beginning. Milliseconds since the epoch. */
  from: number;
  seconds: number;
}

/** The longest from the start to the end. */
export function longestWriteGap({ writer, acknowledged, startedAt, endedAt }: Writes): WriteGap {
  const answers = [...acknowledged.values()].map(({ at }) => at).sort((a, b) => a - b);
  const times = [startedAt, ...answers, endedAt];
  const gaps = times.slice(1).map((time, i) => {
    const from = times[i] ?? time;
    return { writer, from, seconds: (time - from) / 1000 };
  });
  return gaps.reduce((a, b) => (b.seconds > a.seconds ? b : a), {
    writer,
    from: startedAt,
    seconds: 0,
  });
}
