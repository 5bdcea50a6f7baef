import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientConfig } from "pg";

/** What became of the rows of one writer. */
export interface Writes {
  writer: string;
  /** Numbers whose commit was acknowledged, each with the time of the answer. Milliseconds since the epoch. */
  acknowledged: Map<number, number>;
  /** Numbers that were sent and not answered, or answered with a warning: they may be there or not. */
  indeterminate: Set<number>;
  /** Errors with counts. */
  errors: Record<string, number>;
  startedAt: number;
  endedAt: number;
}

const TABLE = "trivet_drill";

/** Makes the table that writers write to; one that is there stays. */
export async function prepareTable(config: ClientConfig): Promise<void> {
  await withClient(config, async (client) => {
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${TABLE} (writer text, n bigint, at timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (writer, n))`,
    );
  });
}

/** Numbers that the database holds of a writer, once it answers again. */
export async function rowsOf(config: ClientConfig, writer: string): Promise<Set<number>> {
  return await withClient(config, async (client) => {
    const { rows } = await client.query<{ n: string }>(`SELECT n FROM ${TABLE} WHERE writer = $1`, [
      writer,
    ]);
    return new Set(rows.map(({ n }) => Number(n)));
  });
}

/** Acknowledged numbers that are not there: the one figure that has to be 0. */
export function lostRows(writes: Writes, found: ReadonlySet<number>): number[] {
  return [...writes.acknowledged.keys()].filter((n) => !found.has(n));
}

/** Longest time without an acknowledgement, from the start to the end. Seconds. */
export function writeGapSeconds({ acknowledged, startedAt, endedAt }: Writes): number {
  const times = [startedAt, ...[...acknowledged.values()].sort((a, b) => a - b), endedAt];
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? time));
  return Math.max(0, ...gaps) / 1000;
}

/** Inserts numbered rows one after the other, every `pauseMs`, until it is stopped. */
export class NumberedWriter {
  readonly writes: Writes;
  private client: Client | undefined;
  private warnings = 0;
  private over = false;
  private readonly done: Promise<void>;

  constructor(
    private readonly config: ClientConfig,
    writer: string,
    private readonly pauseMs = 10,
  ) {
    const startedAt = Date.now();
    this.writes = {
      writer,
      acknowledged: new Map(),
      indeterminate: new Set(),
      errors: {},
      startedAt,
      endedAt: startedAt,
    };
    this.done = this.run();
  }

  async stop(): Promise<Writes> {
    this.over = true;
    await this.done;
    this.writes.endedAt = Date.now();
    await this.drop();
    return this.writes;
  }

  private async run(): Promise<void> {
    for (let n = 1; !this.over; n += 1) {
      await this.write(n);
      await sleep(this.pauseMs);
    }
  }

  private async write(n: number): Promise<void> {
    let sent = false;
    try {
      const client = await this.connected();
      const before = this.warnings;
      sent = true;
      const text = `INSERT INTO ${TABLE} (writer, n) VALUES ($1, $2)`;
      await client.query(text, [this.writes.writer, n]);
      // Committed here, but no standby has confirmed it.
      if (this.warnings > before) this.writes.indeterminate.add(n);
      else this.writes.acknowledged.set(n, Date.now());
    } catch (error) {
      if (sent) this.writes.indeterminate.add(n);
      const reason = error instanceof Error ? error.message : String(error);
      this.writes.errors[reason] = (this.writes.errors[reason] ?? 0) + 1;
      await this.drop();
    }
  }

  private async connected(): Promise<Client> {
    if (this.client !== undefined) return this.client;
    const client = new Client(this.config);
    client.on("error", () => {
      if (this.client === client) this.client = undefined;
    });
    client.on("notice", ({ message }) => {
      if (/synchronous replication/.test(message ?? "")) this.warnings += 1;
    });
    await client.connect();
    this.client = client;
    return client;
  }

  private async drop(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }
}

async function withClient<T>(
  config: ClientConfig,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(config);
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
