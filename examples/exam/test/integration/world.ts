import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { Redis } from "ioredis";
import { Client } from "pg";
import pino from "pino";
import { buildApp } from "../../src/app";
import { readAssets } from "../../src/assets";
import { KEY_PREFIX } from "../../src/cache";
import { type Config, readConfig } from "../../src/config";
import { demoAccessCode } from "../../src/exams";
import { migrate, readMigrations } from "../../src/migrate";
import { type Services, startServices } from "../../src/services";

const DATABASE =
  process.env["EXAM_TEST_DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres";
const REDIS = process.env["EXAM_TEST_REDIS_URL"] ?? "redis://127.0.0.1:6379/15";
const SOURCE = join(__dirname, "../../src");

export const MIGRATIONS = join(SOURCE, "migrations");
export const ADMIN_PASSWORD = "correct horse battery";
export const silent = pino({ level: "silent" });

/** A database of its own, taken away again by `drop`. */
export interface Scratch {
  readonly url: string;
  readonly redisUrl: string;
  query(sql: string): Promise<void>;
  drop(): Promise<void>;
}

/** Makes a scratch database; null when no Postgres or no Redis can be reached. */
export async function makeScratch(): Promise<Scratch | null> {
  const name = `exam_test_${randomBytes(6).toString("hex")}`;
  const url = new URL(DATABASE);
  url.pathname = `/${name}`;
  try {
    await forgetFormerRuns();
    await run(DATABASE, `CREATE DATABASE ${name}`);
  } catch {
    return null;
  }
  return {
    url: url.href,
    redisUrl: REDIS,
    query: (sql) => run(url.href, sql),
    drop: () => run(DATABASE, `DROP DATABASE ${name} WITH (FORCE)`),
  };
}

/** Rate limits of a run a moment ago would refuse sign-ins of this one. */
async function forgetFormerRuns(): Promise<void> {
  const redis = new Redis(REDIS, { lazyConnect: true, retryStrategy: () => null });
  redis.on("error", () => undefined);
  try {
    await redis.connect();
    const keys = await redis.keys(`${KEY_PREFIX}*`);
    if (keys.length > 0) await redis.del(keys);
  } finally {
    redis.disconnect();
  }
}

async function run(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export const environment = (scratch: Scratch): Record<string, string> => ({
  DATABASE_URL: scratch.url,
  DATABASE_DIRECT_URL: scratch.url,
  REDIS_URL: scratch.redisUrl,
  SESSION_SECRET: randomBytes(32).toString("hex"),
  EXAM_ADMIN_PASSWORD: ADMIN_PASSWORD,
  LOG_LEVEL: "silent",
  DEMO: "1",
});

/** One replica of the application, within this process. */
export interface Replica {
  readonly app: FastifyInstance;
  readonly services: Services;
  readonly config: Config;
  stop(): Promise<void>;
}

export async function startReplica(settings: Record<string, string>): Promise<Replica> {
  const config = readConfig(settings);
  const services = startServices(config, silent);
  const app = await buildApp(config, services, readAssets(join(SOURCE, "public")), silent);
  await app.ready();
  return {
    app,
    services,
    config,
    stop: async () => {
      services.countdown.close();
      await app.close();
      await services.close();
    },
  };
}

export async function prepare(scratch: Scratch): Promise<void> {
  await migrate(scratch.url, readMigrations(MIGRATIONS), 0, silent);
}

/** Signs a demo student in; returns the Cookie header. */
export async function signIn({ app }: Replica, number: string): Promise<string> {
  const reply = await app.inject({
    method: "POST",
    url: "/api/sign-in",
    payload: { number, code: demoAccessCode(number) },
  });
  return cookieOf(reply.headers["set-cookie"]);
}

export async function signInAdmin({ app }: Replica): Promise<string> {
  const reply = await app.inject({
    method: "POST",
    url: "/admin/sign-in",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    payload: new URLSearchParams({ password: ADMIN_PASSWORD }).toString(),
  });
  return cookieOf(reply.headers["set-cookie"]);
}

const cookieOf = (header: string | string[] | undefined): string =>
  [header ?? []].flat().join(";").split(";")[0] ?? "";
