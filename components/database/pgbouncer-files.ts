import { ArgsCheck } from "../core/args-check";
import { PORTS } from "../core/ports";

/** Limits of one pooler, resolved. */
export interface PoolLimits {
  size: number;
  maxClients: number;
  waitSeconds: number;
}

/** Roles that may log in to a pooler, with their passwords. */
export type PoolerUsers = Readonly<Record<string, string>>;

/** Name of the role that may PAUSE and RESUME, and reads the pooler's statistics. */
export const POOLER_ADMIN = "trivet_pooler";

const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;

/** userlist.txt: one line a role. */
export function renderUserList(users: PoolerUsers): string {
  const check = new ArgsCheck("PgBouncer users");
  for (const [user, password] of Object.entries(users)) {
    check.line(user, "user").line(password, `password of ${user}`);
  }
  check.done();
  const lines = Object.entries(users).map(([user, pass]) => `${quote(user)} ${quote(pass)}\n`);
  return lines.join("");
}

/** pgbouncer.ini. `<database>` leads to the primary, `<database>_read` to the standbys. */
export function renderPoolerConfig(
  listenAddresses: readonly string[],
  database: string,
  limits: PoolLimits,
): string {
  return [
    "[databases]",
    `${database} = host=127.0.0.1 port=${PORTS.routerPrimary} dbname=${database}`,
    `${database}_read = host=127.0.0.1 port=${PORTS.routerStandby} dbname=${database}`,
    "",
    "[pgbouncer]",
    `listen_addr = ${listenAddresses.join(",")}`,
    `listen_port = ${PORTS.pgBouncer}`,
    "unix_socket_dir =",
    "auth_type = scram-sha-256",
    "auth_file = /etc/trivet/userlist.txt",
    `admin_users = ${POOLER_ADMIN}`,
    "pool_mode = transaction",
    `default_pool_size = ${limits.size}`,
    `max_client_conn = ${limits.maxClients}`,
    `query_wait_timeout = ${limits.waitSeconds}`,
    "max_prepared_statements = 200",
    "ignore_startup_parameters = extra_float_digits",
    // After the first failed login every query fails at once until the next try.
    "server_login_retry = 1",
    "server_connect_timeout = 3",
    "server_check_delay = 5",
    // A router that was reloaded gets rid of its old process after ten minutes.
    "server_lifetime = 300",
    "tcp_keepidle = 10",
    "tcp_keepintvl = 3",
    "tcp_keepcnt = 3",
    "tcp_user_timeout = 10000",
    "listen_backlog = 4096",
    "log_connections = 0",
    "log_disconnections = 0",
    "",
  ].join("\n");
}
