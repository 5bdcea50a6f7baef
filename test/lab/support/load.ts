import { Agent, request } from "node:https";

/** What came of a number of requests. */
export interface LoadResult {
  sent: number;
  failed: number;
  /** Why requests failed, with counts. */
  reasons: Record<string, number>;
  seconds: number;
}

/** How much load, and for how long. */
export interface LoadOptions {
  certificate: string | undefined;
  /** Connections at a time. Count. */
  concurrency: number;
  /** Ends after this many requests. Count. */
  requests?: number;
  /** Ends when this is settled, whichever comes first. */
  until?: Promise<unknown>;
}

/** Asks `url` again and again over kept-alive connections; anything but 200 counts as failed. */
export async function load(url: string, options: LoadOptions): Promise<LoadResult> {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: options.concurrency,
    ...(options.certificate !== undefined && { ca: options.certificate }),
  });
  const result: LoadResult = { sent: 0, failed: 0, reasons: {}, seconds: 0 };
  const started = Date.now();
  let over = false;
  const end = () => (over = true);
  options.until?.then(end, end);
  const limit = options.requests ?? Number.POSITIVE_INFINITY;
  const worker = async () => {
    while (!over && result.sent < limit) {
      result.sent += 1;
      const reason = await once(url, agent);
      if (reason === undefined) continue;
      result.failed += 1;
      result.reasons[reason] = (result.reasons[reason] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  agent.destroy();
  result.seconds = (Date.now() - started) / 1000;
  return result;
}

async function once(url: string, agent: Agent): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const sent = request(url, { agent, timeout: 30_000 }, (response) => {
      response.resume();
      response.once("end", () => {
        resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode ?? 0}`);
      });
      response.once("error", (error) => {
        resolve(error.message);
      });
    });
    sent.once("timeout", () => sent.destroy(new Error("no answer within 30 s")));
    sent.once("error", (error) => {
      resolve(error.message);
    });
    sent.end();
  });
}
