import type { FastifyBaseLogger } from "fastify";
import { Pool, type PoolConfig, type QueryResultRow } from "pg";
import { retryTransient } from "./transient";

export interface DatabaseOptions {
  readonly url: string;
  /** Connections. */
  readonly size: number;
  /** How long a statement is tried again when the database is away, in seconds. */
  readonly retrySeconds: number;
  readonly log: FastifyBaseLogger;
}

/**
 * A pool that works behind a transaction pooler: no named statements, no session settings, every
 * statement a transaction of its own.
 */
export class Database {
  readonly #pool: Pool;
  readonly #retrySeconds: number;

  constructor(options: DatabaseOptions) {
    this.#retrySeconds = options.retrySeconds;
    this.#pool = new Pool(poolConfig(options.url, options.size));
    this.#pool.on("error", (error) => {
      options.log.warn({ reason: error.message }, "idle database connection lost");
    });
  }

  /** Runs a statement that may run twice; it is tried again while the database is away. */
  query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return retryTransient(() => this.queryOnce<Row>(text, values), this.#retrySeconds);
  }

  /** Runs a statement exactly once. */
  async queryOnce<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> {
    const result = await this.#pool.query<Row>(text, [...values]);
    return result.rows;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

function poolConfig(url: string, size: number): PoolConfig {
  return {
    connectionString: url,
    max: size,
    application_name: "exam",
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    // The client's own clock: statement_timeout would be a session setting, and a silent network
    // has to be noticed too.
    query_timeout: 15_000,
  };
}
