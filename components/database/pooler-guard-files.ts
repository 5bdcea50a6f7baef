import { ArgsCheck } from "../core/args-check";
import { PORTS } from "../core/ports";
import { POOLER_ADMIN } from "./pgbouncer-files";

/** What one guard needs to know. */
export interface GuardSettings {
  /** The application's database. */
  database: string;
  /** Members of the Postgres cluster, named as the router names them. */
  members: readonly { name: string; address: string }[];
  /** Of {@link POOLER_ADMIN}. */
  password: string;
  /** Longest time that queries are held while there is no primary. Seconds. */
  deadlineSeconds: number;
}

/** settings.json of pooler-guard.py, which names its fields Python's way. Holds a password. */
export function renderGuardSettings(settings: GuardSettings): string {
  const { database, members, password, deadlineSeconds } = settings;
  // The program writes the name into commands of pgBouncer's console, which take 63 characters.
  const plain = /^[A-Za-z0-9_-]{1,63}$/.test(database);
  new ArgsCheck("PoolerGuard settings")
    .that(
      plain,
      "database",
      `is ${JSON.stringify(database)}, must be 1 to 63 letters, digits, _ or -`,
    )
    .nonEmpty(members, "members")
    .done();
  const content = {
    database,
    members: members.map(({ name, address }) => ({ name, address, port: PORTS.patroni })),
    router_port: PORTS.routerStats,
    pooler_port: PORTS.pgBouncer,
    user: POOLER_ADMIN,
    password,
    deadline_seconds: deadlineSeconds,
    answer_seconds: 0.4,
    folder: "/tmp",
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}
