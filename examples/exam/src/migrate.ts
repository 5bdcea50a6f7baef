import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import pino, { type Logger } from "pino";
import { ConfigurationError, readMigrationConfig } from "./config";
import { loggerOptions } from "./log";
import { retryTransient } from "./transient";

/** Any number; the same for every process that migrates this application. */
const LOCK_KEY = 7_446_213_501;

export interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** Reads the SQL files of a folder in the order of their names. */
export function readMigrations(folder: string): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => {
      const sql = readFileSync(join(folder, name), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    });
}

/**
 * Applies what is missing, each file in one transaction that also records it. Several processes may
 * do so at once: the lock is held by the transaction, so it ends with the connection and works
 * through any pooler. Waits up to `waitSeconds` for the database. Returns the names applied.
 */
export async function migrate(
  databaseUrl: string,
  migrations: readonly Migration[],
  waitSeconds: number,
  log: Logger,
): Promise<string[]> {
  const applied: string[] = [];
  // A lost connection rolls the open transaction back, and what was committed is recorded: the
  // whole run may simply start again.
  await retryTransient(async () => {
    const client = new Client({
      connectionString: databaseUrl,
      application_name: "exam-migrate",
      connectionTimeoutMillis: 5_000,
    });
    client.on("error", (error) => {
      log.warn({ reason: error.message }, "database connection lost");
    });
    await client.connect();
    try {
      await inTransaction(client, () =>
        client.query(
          `CREATE TABLE IF NOT EXISTS schema_migrations (
             name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
        ),
      );
      for (const migration of migrations) {
        if (await inTransaction(client, () => apply(client, migration))) {
          applied.push(migration.name);
          log.info({ migration: migration.name }, "migration applied");
        }
      }
    } finally {
      await client.end().catch(() => undefined);
    }
  }, waitSeconds);
  return applied;
}

async function inTransaction<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1)", [LOCK_KEY]);
    const result = await work();
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

async function apply(client: Client, migration: Migration): Promise<boolean> {
  const recorded = await client.query<{ checksum: string }>(
    "SELECT checksum FROM schema_migrations WHERE name = $1",
    [migration.name],
  );
  const checksum = recorded.rows[0]?.checksum;
  if (checksum === migration.checksum) return false;
  if (checksum !== undefined) {
    throw new Error(
      `migration ${migration.name} was changed after it had been applied; put the change into a new file`,
    );
  }
  await client.query(migration.sql);
  await client.query("INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", [
    migration.name,
    migration.checksum,
  ]);
  return true;
}

async function main(): Promise<void> {
  const config = readMigrationConfig(process.env);
  const log = pino(loggerOptions(config.logLevel));
  const migrations = readMigrations(join(__dirname, "migrations"));
  const applied = await migrate(config.databaseUrl, migrations, config.waitSeconds, log);
  log.info({ applied: applied.length, known: migrations.length }, "database is up to date");
}

if (require.main === module) {
  main().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(
      error instanceof ConfigurationError
        ? `exam-migrate: ${reason}\n`
        : `exam-migrate: the database could not be migrated: ${reason}\n`,
    );
    process.exitCode = 1;
  });
}
