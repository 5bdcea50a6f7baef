import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/** What came of asking one address again and again. */
export interface Reads {
  sent: number;
  failed: number;
  /** Why requests failed, with counts. */
  reasons: Record<string, number>;
  /** Times of the answers with 200. Milliseconds since the epoch. */
  answeredAt: number[];
  startedAt: number;
  endedAt: number;
}

/** How a reader asks. */
export interface ReaderOptions {
  /** Trusted besides the system's. PEM. */
  certificate: string | undefined;
  /** Pause between two requests. Milliseconds. @default 50 */
  pauseMs?: number;
  /** Time after which a request counts as failed. Milliseconds. @default 10000 */
  timeoutMs?: number;
}

/** Longest time without an answer. Seconds. */
export function readGapSeconds({ answeredAt, startedAt, endedAt }: Reads): number {
  const times = [startedAt, ...answeredAt, endedAt];
  return Math.max(0, ...times.slice(1).map((time, i) => time - (times[i] ?? time))) / 1000;
}

/** Asks an address over a kept-alive connection until it is stopped. */
export class HttpReader {
  readonly reads: Reads;
  private readonly agent: Agent;
  private readonly done: Promise<void>;
  private over = false;

  constructor(
    private readonly url: string,
    private readonly options: ReaderOptions,
  ) {
    const { certificate } = options;
    this.agent = new Agent({
      keepAlive: true,
      ...(certificate !== undefined && { ca: certificate }),
    });
    const startedAt = Date.now();
    this.reads = { sent: 0, failed: 0, reasons: {}, answeredAt: [], startedAt, endedAt: startedAt };
    this.done = this.run();
  }

  async stop(): Promise<Reads> {
    this.over = true;
    await this.done;
    this.reads.endedAt = Date.now();
    this.agent.destroy();
    return this.reads;
  }

  private async run(): Promise<void> {
    while (!this.over) {
      this.reads.sent += 1;
      const reason = await this.once();
      if (reason === undefined) {
        this.reads.answeredAt.push(Date.now());
      } else {
        this.reads.failed += 1;
        this.reads.reasons[reason] = (this.reads.reasons[reason] ?? 0) + 1;
      }
      await sleep(this.options.pauseMs ?? 50);
    }
  }

  private async once(): Promise<string | undefined> {
    const timeout = this.options.timeoutMs ?? 10_000;
    return await new Promise((resolve) => {
      const sent = request(this.url, { agent: this.agent }, (response) => {
        response.resume();
        response.once("end", () => {
          resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode ?? 0}`);
        });
        response.once("error", (error) => {
          resolve(error.message);
        });
      });
      const limit = setTimeout(
        () => sent.destroy(new Error(`no answer within ${timeout} ms`)),
        timeout,
      );
      sent.once("error", (error) => {
        resolve(error.message);
      });
      sent.once("close", () => {
        clearTimeout(limit);
      });
      sent.end();
    });
  }
}
