import { z } from "zod";
import { ALWAYS, group, isClean, mebibytes, named, text, wholeNumber } from "./fields";

/** Fields that stand for a setting of Postgres which the platform writes. */
const FIELD_INSTEAD: Readonly<Record<string, string>> = {
  max_connections: "use trivet:database.maxConnections",
};
/** Settings of Postgres that Patroni or the platform writes: more than the component refuses. */
const PLATFORM_PARAMETERS = new Set(
  `listen_addresses port data_directory config_file hba_file ident_file external_pid_file
  unix_socket_directories cluster_name hot_standby wal_level wal_log_hints max_wal_senders
  max_replication_slots max_connections synchronous_standby_names primary_conninfo
  primary_slot_name restore_command recovery_target recovery_target_timeline recovery_target_time
  recovery_target_xid recovery_target_lsn recovery_target_name recovery_target_action
  recovery_target_inclusive promote_trigger_file archive_mode archive_command archive_library
  track_commit_timestamp data_checksums ssl`.split(/\s+/),
);

const identifier = (taken: RegExp, example: string) =>
  text(
    `must be 1 to 63 lower-case letters, digits or underscores, starting with a letter or underscore, and not a name that Postgres or the platform uses: ${example}`,
    (value) => /^[a-z_][a-z0-9_]{0,62}$/.test(value) && !taken.test(value),
  );

const poolSchema = group({
  /** Server connections of each machine's pgBouncer. Count, 1 to 1000. @default follows memory and replicas */
  size: wholeNumber(1, 1000).exactOptional(),
  /** Client connections of each machine's pgBouncer. Count, 1 to 100000. @default follows replicas */
  maxClients: wholeNumber(1, 100_000).exactOptional(),
  /** Longest wait for a server connection, also during a failover. Seconds, 1 to 3600. @default 45 */
  waitSeconds: wholeNumber(1, 3600).default(45),
}).superRefine(({ size, maxClients }, ctx) => {
  if (size !== undefined && maxClients !== undefined && maxClients < size) {
    const message = `must be at least trivet:database.pool.size (${size})`;
    ctx.addIssue({ code: "custom", path: ["maxClients"], message });
  }
}, ALWAYS);

export const databaseSchema = group({
  /** Name of the application's database. @default "app" */
  name: identifier(/^(postgres|template[01]|replicator)$/, "app").default("app"),
  /** Role that owns it, and that applications use. @default "app" */
  user: identifier(/^(postgres|replicator|rewinder|public|none)$|^pg_/, "app").default("app"),
  /** Memory that Postgres sizes itself for. MiB, 64 to 16777216. @default a share of the machine's */
  memoryMiB: mebibytes(64).exactOptional(),
  /** Connections that Postgres accepts. Count, 20 to 10000. @default follows memory and replicas */
  maxConnections: wholeNumber(20, 10_000).exactOptional(),
  /** Settings of Postgres by name, beside those that Patroni and the platform write. @default {} */
  parameters: named(
    z
      .union([z.string(), z.number(), z.boolean()], {
        error: "must be text, a number, true or false",
      })
      .refine((value) => isClean(String(value)), "must be text on one line"),
    "must be named like a setting of Postgres, such as work_mem",
    (name) => /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name) && name.length <= 127,
  )
    .superRefine((parameters, ctx) => {
      for (const name of Object.keys(parameters).filter((key) => PLATFORM_PARAMETERS.has(key))) {
        const instead = FIELD_INSTEAD[name] ?? "remove it";
        const message = `is set by the platform: ${instead}`;
        ctx.addIssue({ code: "custom", path: [name], message });
      }
    }, ALWAYS)
    .default({}),
  /** pgBouncer. */
  pool: poolSchema.prefault({}),
  /** HAProxy between pgBouncer and Postgres. */
  router: group({
    /** Connections that each machine's router holds. Count, 100 to 100000. @default 4000 */
    maxConnections: wholeNumber(100, 100_000).default(4000),
  }).prefault({}),
}).superRefine(({ maxConnections, pool }, ctx) => {
  // A pool that was wrong itself may be anything here.
  const size = pool instanceof Object ? pool.size : undefined;
  if (maxConnections !== undefined && size !== undefined && size > maxConnections) {
    const message = `must be at most trivet:database.maxConnections (${maxConnections})`;
    ctx.addIssue({ code: "custom", path: ["pool", "size"], message });
  }
}, ALWAYS);

/** Postgres and its pooler. @interface */
export type DatabaseConfig = z.output<typeof databaseSchema>;

export const cacheSchema = group({
  /** Memory for Valkey's data. MiB, 16 to 65536. @default a share of the machine's */
  memoryMiB: mebibytes(16, 65_536).exactOptional(),
});

/** Valkey. @interface */
export type CacheConfig = z.output<typeof cacheSchema>;
