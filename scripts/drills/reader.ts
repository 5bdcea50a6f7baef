import { Agent, request } from "node:https";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { checkServerIdentity } from "node:tls";

/** What came of asking one address again and again. */
export interface Reads {
  sent: number;
  failed: number;
  /** Why requests failed, with counts. */
  reasons: Record<string, number>;
  /** Times of the answers with 200. Milliseconds since the epoch. */
  answeredAt: number[];
  /** Longest time from a request to its answer, or its failure. Seconds. */
  longestSeconds: number;
  startedAt: number;
  endedAt: number;
}

/** How a reader asks. */
export interface ReaderOptions {
  /**
   * Machines to ask, whatever the name in the URL leads to: the first, and as browsers do with several
   * addresses of a name, the next one when that takes no connection.
   */
  addresses: readonly string[];
  /** Trusted besides the system's. PEM. */
  certificate: string | undefined;
  /** Pause between two requests. Milliseconds. @default 50 */
  pauseMs?: number;
  /** Time after which a request counts as failed. Milliseconds. @default 10000 */
  timeoutMs?: number;
}

/** Longest time without an answer to any of them. Seconds. */
export function readGapSeconds(readers: readonly Reads[]): number {
  const answered = readers.flatMap(({ answeredAt }) => answeredAt).sort((a, b) => a - b);
  const times = [
    Math.min(...readers.map(({ startedAt }) => startedAt)),
    ...answered,
    Math.max(...readers.map(({ endedAt }) => endedAt)),
  ];
  return Math.max(0, ...times.slice(1).map((time, i) => time - (times[i] ?? time))) / 1000;
}

/** Asks an address over a kept-alive connection until it is stopped. */
export class HttpReader {
  readonly reads: Reads;
  private readonly agent: Agent;
  private readonly done: Promise<void>;
  private over = false;
  private current = 0;

  constructor(
    private readonly url: string,
    private readonly options: ReaderOptions,
  ) {
    const { certificate } = options;
    const { hostname } = new URL(url);
    this.agent = new Agent({
      keepAlive: true,
      // The certificate is the site's, whichever machine shows it.
      checkServerIdentity: (_host, shown) => checkServerIdentity(hostname, shown),
      ...(isIP(hostname) === 0 && { servername: hostname }),
      ...(certificate !== undefined && { ca: certificate }),
    });
    const startedAt = Date.now();
    const counts = { sent: 0, failed: 0, reasons: {}, answeredAt: [], longestSeconds: 0 };
    this.reads = { ...counts, startedAt, endedAt: startedAt };
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
      const asked = Date.now();
      const reason = await this.once();
      const seconds = (Date.now() - asked) / 1000;
      this.reads.longestSeconds = Math.max(this.reads.longestSeconds, seconds);
      if (reason === undefined) {
        this.reads.answeredAt.push(Date.now());
      } else {
        this.reads.failed += 1;
        this.reads.reasons[reason] = (this.reads.reasons[reason] ?? 0) + 1;
      }
      await sleep(this.options.pauseMs ?? 50);
    }
  }

  /** Why a request failed; undefined if it did not. */
  private async once(): Promise<string | undefined> {
    const { addresses } = this.options;
    let reason: string | undefined = "no address";
    // Once more than there are: browsers repeat what met the end of a kept-alive connection.
    for (let attempt = 0; attempt <= addresses.length; attempt += 1) {
      const outcome = await this.ask(addresses[this.current] ?? "");
      ({ reason } = outcome);
      if (reason === undefined || !outcome.mayRepeat || addresses.length === 1) return reason;
      this.current = (this.current + 1) % addresses.length;
    }
    return reason;
  }

  private async ask(address: string): Promise<{ reason: string | undefined; mayRepeat: boolean }> {
    const timeout = this.options.timeoutMs ?? 10_000;
    return await new Promise((resolve) => {
      const { host, port, pathname } = new URL(this.url);
      let [connected, reused, late] = [false, false, false];
      const to = { host: address, port: port || 443, path: pathname, headers: { host } };
      const sent = request({ ...to, agent: this.agent }, (response) => {
        response.resume();
        response.once("end", () => {
          const { statusCode = 0 } = response;
          const reason = statusCode === 200 ? undefined : `status ${statusCode}`;
          resolve({ reason, mayRepeat: false });
        });
        response.once("error", (error) => {
          resolve({ reason: error.message, mayRepeat: false });
        });
      });
      sent.once("socket", (socket) => {
        reused = !socket.connecting;
        if (reused) return;
        socket.once("secureConnect", () => {
          connected = true;
        });
      });
      const limit = setTimeout(() => {
        late = true;
        sent.destroy(new Error(`no answer within ${timeout} ms`));
      }, timeout);
      sent.once("error", (error) => {
        // A kept-alive connection that was closed is tried anew by browsers, one that is silent is not.
        resolve({ reason: error.message, mayRepeat: !connected && !(reused && late) });
      });
      sent.once("close", () => {
        clearTimeout(limit);
      });
      sent.end();
    });
  }
}
