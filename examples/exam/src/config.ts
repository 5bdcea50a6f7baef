import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the server is told by its environment. Every variable can also be given as NAME_FILE. */
export interface Config {
  /** TCP port to listen on. */
  readonly port: number;
  /** Pooled database address (transaction pooling is fine). */
  readonly databaseUrl: string;
  /** Address for reads that may lag a little; the primary's when none is given. */
  readonly databaseReadUrl: string;
  readonly redisUrl: string;
  /** Key that signs session cookies; the same on every replica. */
  readonly sessionSecret: string;
  /** Password of the admin page; without one the page does not exist. */
  readonly adminPassword: string | undefined;
  /** Worker processes. */
  readonly workers: number;
  /** Database connections per worker. */
  readonly poolSize: number;
  /** How long a statement is tried again when the database is away, in seconds; 0 never. */
  readonly retrySeconds: number;
  /** Changing requests per minute that one student, or one address before sign-in, may send. */
  readonly rateLimitPerMinute: number;
  /** How long requests are still accepted after SIGTERM, in seconds. */
  readonly drainSeconds: number;
  /** Proxies whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: string[];
  /** Shows the demo account on the sign-in page. */
  readonly demo: boolean;
  readonly logLevel: LogLevel;
  /** Name of this replica, shown in the page footer. */
  readonly replica: string;
}

export interface MigrationConfig {
  /** Address of the primary. */
  readonly databaseUrl: string;
  /** How long to wait for the database, in seconds. */
  readonly waitSeconds: number;
  readonly logLevel: LogLevel;
}

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Lists everything that is wrong with the environment at once, and never a secret's value. */
export class ConfigurationError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(
      ["the configuration is not valid:", ...problems.map((problem) => `  - ${problem}`)].join(
        "\n",
      ),
    );
    this.name = "ConfigurationError";
  }
}

const wholeNumber = (minimum: number, maximum: number, byDefault: number) => {
  const message = `must be a whole number from ${String(minimum)} to ${String(maximum)}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, message)
    .default(byDefault);
};

const address = (schemes: readonly string[], example: string) =>
  z
    .string({ error: `is missing; give an address such as ${example}` })
    .refine(
      (value) => URL.canParse(value) && schemes.includes(new URL(value).protocol),
      `must be an address such as ${example}`,
    );

const postgres = () =>
  address(["postgres:", "postgresql:"], "postgres://user:password@host:6432/database");

const logLevel = z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(", ")}`).default("info");

const flag = z
  .enum(["0", "1", "false", "true"], "must be 1 or 0")
  .default("0")
  .transform((value) => value === "1" || value === "true");

const serverSchema = z.object({
  PORT: wholeNumber(1, 65535, 8000),
  DATABASE_URL: postgres(),
  DATABASE_READ_URL: postgres().optional(),
  REDIS_URL: address(["redis:", "rediss:"], "redis://:password@host:6379/0"),
  SESSION_SECRET: z
    .string({ error: "is missing; give at least 32 random characters" })
    .min(32, "must have at least 32 characters"),
  EXAM_ADMIN_PASSWORD: z.string().min(12, "must have at least 12 characters").optional(),
  WEB_CONCURRENCY: wholeNumber(1, 64, 1),
  DB_POOL_SIZE: wholeNumber(1, 100, 5),
  DB_RETRY_SECONDS: wholeNumber(0, 60, 10),
  RATE_LIMIT_PER_MINUTE: wholeNumber(1, 10_000_000, 600),
  DRAIN_SECONDS: wholeNumber(0, 120, 5),
  TRUSTED_PROXIES: z.string().default("loopback, linklocal, uniquelocal"),
  DEMO: flag,
  LOG_LEVEL: logLevel,
  REPLICA_NAME: z.string().max(64, "must have at most 64 characters").default(hostname()),
});

const migrationSchema = z.object({
  DATABASE_DIRECT_URL: postgres(),
  MIGRATE_WAIT_SECONDS: wholeNumber(0, 3600, 60),
  LOG_LEVEL: logLevel,
});

/** Reads the server's configuration; throws {@link ConfigurationError} with every problem. */
export function readConfig(environment: Environment): Config {
  const values = check(serverSchema, environment);
  return {
    port: values.PORT,
    databaseUrl: values.DATABASE_URL,
    databaseReadUrl: values.DATABASE_READ_URL ?? values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    sessionSecret: values.SESSION_SECRET,
    adminPassword: values.EXAM_ADMIN_PASSWORD,
    workers: values.WEB_CONCURRENCY,
    poolSize: values.DB_POOL_SIZE,
    retrySeconds: values.DB_RETRY_SECONDS,
    rateLimitPerMinute: values.RATE_LIMIT_PER_MINUTE,
    drainSeconds: values.DRAIN_SECONDS,
    trustedProxies: values.TRUSTED_PROXIES.split(",").map((entry) => entry.trim()),
    demo: values.DEMO,
    logLevel: values.LOG_LEVEL,
    replica: values.REPLICA_NAME,
  };
}

/** Reads the configuration of the migration command. */
export function readMigrationConfig(environment: Environment): MigrationConfig {
  const values = check(migrationSchema, environment);
  return {
    databaseUrl: values.DATABASE_DIRECT_URL,
    waitSeconds: values.MIGRATE_WAIT_SECONDS,
    logLevel: values.LOG_LEVEL,
  };
}

function check<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  environment: Environment,
): z.output<z.ZodObject<Shape>> {
  const { values, problems } = collect(Object.keys(schema.shape), environment);
  const parsed = schema.safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    // A variable whose file cannot be read is reported once, for that.
    if (!problems.has(name)) problems.set(name, `${name} ${issue.message}`);
  }
  if (!parsed.success || problems.size > 0) throw new ConfigurationError([...problems.values()]);
  return parsed.data;
}

function collect(names: readonly string[], environment: Environment) {
  const values: Record<string, string> = {};
  const problems = new Map<string, string>();
  for (const name of names) {
    const given = nonEmpty(environment[name]);
    const file = nonEmpty(environment[`${name}_FILE`]);
    if (given !== undefined && file !== undefined) {
      problems.set(name, `${name} and ${name}_FILE are both set; keep one of them`);
    } else if (given !== undefined) {
      values[name] = given;
    } else if (file !== undefined) {
      const content = readSecretFile(file);
      if (content === undefined) {
        problems.set(name, `${name}_FILE names ${file}, which cannot be read or is empty`);
      } else {
        values[name] = content;
      }
    }
  }
  return { values, problems };
}

const nonEmpty = (value: string | undefined): string | undefined =>
  value === "" ? undefined : value;

function readSecretFile(path: string): string | undefined {
  try {
    return nonEmpty(readFileSync(path, "utf8").trim());
  } catch {
    return undefined;
  }
}
