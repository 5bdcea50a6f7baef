import { readFileSync } from "node:fs";

/** Processor time of this computer since it started, as Linux counts it. Hundredths of a second. */
export interface ProcessorTime {
  all: number;
  /** Wanted, and given to others by what this computer runs on [steal]. */
  stolen: number;
}

/** Reads the first line of /proc/stat; nothing where there is none. */
export function parseProcessorTime(stat: string): ProcessorTime | undefined {
  const [line = ""] = stat.split("\n");
  const [name, ...words] = line.trim().split(/\s+/);
  // user nice system idle iowait irq softirq steal; what guests took is in user and nice already.
  const times = words.slice(0, 8).map(Number);
  const stolen = times[7];
  if (name !== "cpu" || stolen === undefined || times.some(Number.isNaN)) return undefined;
  return { all: times.reduce((sum, time) => sum + time, 0), stolen };
}

/** Percent between two moments. */
export function stolenPercent(from: ProcessorTime, to: ProcessorTime): number {
  return to.all > from.all ? (100 * (to.stolen - from.stolen)) / (to.all - from.all) : 0;
}

/**
 * Watches, second by second, how much of this computer's time went to others: pauses that come from there are none of
 * the platform's.
 */
export class StolenTime {
  private readonly start = now();
  private last = this.start;
  private worst = 0;
  private readonly timer = setInterval(() => {
    this.look();
  }, 1000).unref();

  /** Percent of all since the start, and in the worst second; not a number where that is not counted. */
  stop(): { all: number; worst: number } {
    clearInterval(this.timer);
    const end = now();
    if (this.start === undefined || end === undefined)
      return { all: Number.NaN, worst: Number.NaN };
    return { all: stolenPercent(this.start, end), worst: this.worst };
  }

  private look(): void {
    const time = now();
    if (this.last !== undefined && time !== undefined) {
      this.worst = Math.max(this.worst, stolenPercent(this.last, time));
    }
    this.last = time;
  }
}

function now(): ProcessorTime | undefined {
  try {
    return parseProcessorTime(readFileSync("/proc/stat", "utf8"));
  } catch {
    return undefined;
  }
}
