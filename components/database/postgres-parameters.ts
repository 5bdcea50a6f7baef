import { ArgsCheck } from "../core/args-check";
import type { ParameterValue } from "./patroni-files";

/** Parameters that Patroni or the platform sets; changing one would break replication or access. */
export const OWNED_PARAMETERS: readonly string[] = [
  "listen_addresses",
  "port",
  "cluster_name",
  "hot_standby",
  "data_directory",
  "config_file",
  "hba_file",
  "wal_level",
  "wal_log_hints",
  "synchronous_standby_names",
  "primary_conninfo",
  "primary_slot_name",
  "unix_socket_directories",
  "ssl",
];

/** Parameters that every member gets unless the caller says otherwise. */
export const BASE_PARAMETERS: Readonly<Record<string, ParameterValue>> = {
  password_encryption: "scram-sha-256",
  wal_level: "replica",
  wal_compression: "lz4",
  wal_sender_timeout: "10s",
  // A standby looks for its next primary, and for its own promotion, at least this often: with Postgres' 5 s, one of ten
  // switchovers lost 3.0 s between "server promoting" and "received promote request".
  wal_retrieve_retry_interval: "500ms",
  max_wal_senders: 10,
  max_replication_slots: 10,
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 3,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 10000,
  checkpoint_timeout: "15min",
  log_checkpoints: "off",
  idle_in_transaction_session_timeout: "10min",
};

/** Refuses parameters that are not the caller's to set; also those that are known only during the update. */
export function checkParameters(
  subject: string,
  parameters: Record<string, ParameterValue>,
): Record<string, ParameterValue> {
  const check = new ArgsCheck(subject);
  for (const key of Object.keys(parameters)) {
    check.that(
      !OWNED_PARAMETERS.includes(key),
      `parameters.${key}`,
      "is set by the platform and cannot be changed here",
    );
  }
  check.done();
  return parameters;
}
