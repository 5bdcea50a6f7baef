import { stringify } from "yaml";
import { PORTS } from "../core/ports";
import { readScript } from "../core/remote-script";
import type { Member } from "./members";
import { memberCalled } from "./members";

/** Passwords of the database's own roles. */
export interface PatroniPasswords {
  superuser: string;
  replication: string;
  rewind: string;
  /** Of Patroni's REST interface, user `patroni`. */
  rest: string;
}

/** A value of a Postgres parameter. */
export type ParameterValue = string | number | boolean;

/** What decides the file of one member. */
export interface PatroniConfig {
  cluster: string;
  /** Name of the member whose file it is. */
  name: string;
  members: readonly Member[];
  /** Addresses of further machines that may log in. @default [] */
  clients?: readonly string[];
  etcdAddresses: readonly string[];
  passwords: PatroniPasswords;
  settings: PatroniSettings;
}

/** What Patroni keeps in etcd for all members. */
export interface PatroniSettings {
  /** Seconds. */
  ttl: number;
  loopWait: number;
  retryTimeout: number;
  parameters: Record<string, ParameterValue>;
}

const DATA = "/var/lib/postgresql/data/main";

/** File of a switchover that has just been asked for, in the primary's container. */
export const SWITCHOVER_MARKER = "/tmp/trivet-switchover";

/** Python that asks the primary's Patroni for one, in its container. */
export const SWITCHOVER = readScript(__dirname, "switchover.py");

/**
 * Stops Postgres for a switchover. Patroni looks once a second whether Postgres has stopped, `pg_ctl` ten times, and
 * queries wait meanwhile; if that takes 4 s, Patroni goes on by itself. `pg_ctl` is done a moment before the process has
 * ended, and Patroni sleeps for a second where it still sees it (2 of 10 switchovers). At any other time Patroni decides
 * how to stop, which may have to be immediately: then nothing but the shell is started.
 */
const BEFORE_STOP = `sh -c '[ ! -e ${SWITCHOVER_MARKER} ] || [ -z "$(find ${SWITCHOVER_MARKER} -mmin -1 -delete -print)" ] || { pid=$(head -n 1 ${DATA}/postmaster.pid); pg_ctl stop --silent --mode fast --timeout 4 --pgdata ${DATA}; for turn in $(seq 50); do [ -e /proc/$pid ] || break; sleep 0.02; done; }'`;

/** The dynamic configuration; the same text bootstraps a cluster and changes a running one. */
export function renderDynamicConfig(settings: PatroniSettings): Record<string, unknown> {
  return {
    ttl: settings.ttl,
    loop_wait: settings.loopWait,
    retry_timeout: settings.retryTimeout,
    maximum_lag_on_failover: 1_048_576,
    check_timeline: true,
    // With one member Patroni falls back to local commits by itself; with three, ANY 1 acknowledges.
    synchronous_mode: "quorum",
    synchronous_node_count: 1,
    failsafe_mode: true,
    primary_start_timeout: 10,
    primary_stop_timeout: 15,
    postgresql: { use_pg_rewind: true, use_slots: true, parameters: settings.parameters },
  };
}

/** patroni.yml of one member. Paths are those inside the container. Holds passwords. */
export function renderPatroniConfig(config: PatroniConfig): string {
  const { members, passwords } = config;
  const member = memberCalled(config.name, members);
  const file = {
    scope: config.cluster,
    namespace: "/trivet/",
    name: member.name,
    log: { level: "INFO", dateformat: "%Y-%m-%dT%H:%M:%S" },
    restapi: {
      listen: `${member.address}:${PORTS.patroni}`,
      connect_address: `${member.address}:${PORTS.patroni}`,
      authentication: { username: "patroni", password: passwords.rest },
    },
    ctl: { authentication: { username: "patroni", password: passwords.rest } },
    etcd3: {
      hosts: [...config.etcdAddresses],
      protocol: "https",
      cacert: "/etc/trivet/authority.pem",
      cert: "/etc/trivet/member.pem",
      key: "/etc/trivet/member-key.pem",
    },
    bootstrap: {
      dcs: renderDynamicConfig(config.settings),
      // Postgres' own collation: it does not change under the indexes when an image brings a new libc.
      initdb: [
        { encoding: "UTF8" },
        { "locale-provider": "builtin" },
        { "builtin-locale": "C.UTF-8" },
        { locale: "C.UTF-8" },
        "data-checksums",
      ],
    },
    postgresql: {
      listen: `${member.address},127.0.0.1:${PORTS.postgres}`,
      connect_address: `${member.address}:${PORTS.postgres}`,
      data_dir: DATA,
      bin_dir: "/usr/lib/postgresql/17/bin",
      pgpass: "/tmp/pgpass",
      use_unix_socket: true,
      use_unix_socket_repl: true,
      parameters: { unix_socket_directories: "/var/run/postgresql" },
      authentication: {
        superuser: { username: "postgres", password: passwords.superuser },
        replication: { username: "replicator", password: passwords.replication },
        rewind: { username: "rewinder", password: passwords.rewind },
      },
      pg_hba: renderAccessRules(members, config.clients),
      remove_data_directory_on_rewind_failure: true,
      basebackup: [{ checkpoint: "fast" }],
      before_stop: BEFORE_STOP,
    },
  };
  // Not folded: a command stays one line.
  return stringify(file, { lineWidth: 0 });
}

/** pg_hba.conf: the platform's machines only, always with a password over the network. */
export function renderAccessRules(
  members: readonly Member[],
  clients: readonly string[] = [],
): string[] {
  const addresses = [...members.map((member) => member.address), ...clients];
  return [
    "local all postgres peer",
    "local replication postgres peer",
    // Patroni looks at its own Postgres this way before there is a primary that could change a password: after the
    // stack was made again over old data. The socket is inside the container, where every process is postgres' own.
    "local replication replicator trust",
    "local all all scram-sha-256",
    "host all all 127.0.0.1/32 scram-sha-256",
    ...members.map((m) => `host replication replicator ${m.address}/32 scram-sha-256`),
    ...addresses.map((address) => `host all all ${address}/32 scram-sha-256`),
  ];
}
