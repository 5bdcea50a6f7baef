import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientConfig } from "pg";
import type { Writes } from "./history";

const TABLE = "trivet_drill";
/** The timeline stands in the name of the segment that is being written. */
const INSERT = `INSERT INTO ${TABLE} (writer, n) VALUES ($1, $2) RETURNING substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) AS timeline`;

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
      const sentAt = Date.now();
      sent = true;
      const values = [this.writes.writer, n];
      const { rows } = await client.query<{ timeline: string }>(INSERT, values);
      const timeline = Number.parseInt(rows[0]?.timeline ?? "", 16);
      if (Number.isNaN(timeline)) throw new Error("the server names no timeline");
      // Committed here, but no standby has confirmed it.
      if (this.warnings > before) this.writes.indeterminate.add(n);
      else this.writes.acknowledged.set(n, { sentAt, at: Date.now(), timeline });
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
