/** Where dumps lie on a core machine. Root's alone. */
export const DUMP_FOLDER = "/var/lib/trivet/dumps";
/** What the dump reads on the machine: its script, the key for the second machine. */
export const DUMP_CONFIG_FOLDER = "/etc/trivet/dump";
/** The systemd service that makes a dump; the timer has the same name. */
export const DUMP_UNIT = "trivet-dump";

/** A second machine that gets a copy of each dump, resolved. */
export interface CopyPlace {
  address: string;
  port: number;
  user: string;
  hostKey: string;
  /** Absolute path of a folder there. */
  path: string;
}

/** What decides the dump of one machine. */
export interface DumpSettings {
  machine: string;
  /** Swarm service whose container has Postgres. */
  service: string;
  database: string;
  /** Days. */
  keepDays: number;
  /** `address:port` of Patroni on this machine, then of the others. */
  members: readonly string[];
  copyTo: CopyPlace | undefined;
}

/** How long a run waits for a primary: the machine may just have booted. Seconds. */
const WAIT_SECONDS = 300;

/** The unit that makes a dump. Every word is made of letters, digits and `._:/@,-`, so none is quoted. */
export function renderDumpService(settings: DumpSettings): string {
  const [own = "", ...others] = settings.members;
  const { machine, service, database, keepDays, copyTo } = settings;
  const words = [
    ...[DUMP_FOLDER, machine, service, database, String(keepDays), own],
    // systemd drops a word that is empty unless it is quoted.
    others.length === 0 ? '""' : others.join(","),
    String(WAIT_SECONDS),
    ...(copyTo === undefined
      ? []
      : [`${copyTo.user}@${copyTo.address}`, String(copyTo.port), copyTo.path]),
  ];
  return [
    "# Written by Trivet: changes made here are overwritten.",
    "[Unit]",
    "Description=Dump of the application's database",
    "After=docker.service network-online.target",
    "Wants=network-online.target",
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=/bin/bash ${DUMP_CONFIG_FOLDER}/dump.sh ${words.join(" ")}`,
    "Nice=10",
    "IOSchedulingClass=idle",
    "PrivateTmp=yes",
    "TimeoutStartSec=12h",
    "",
  ].join("\n");
}

/** The timer; a run that was missed while the machine was off is made up for. */
export function renderDumpTimer(time: string): string {
  return [
    "# Written by Trivet: changes made here are overwritten.",
    "[Unit]",
    "Description=Nightly dump of the application's database",
    "",
    "[Timer]",
    `OnCalendar=*-*-* ${time}:00 UTC`,
    "AccuracySec=1s",
    "Persistent=true",
    "",
    "[Install]",
    "WantedBy=timers.target",
    "",
  ].join("\n");
}

/** known_hosts for the second machine: ssh looks for brackets unless the port is its own. */
export function renderKnownHosts({ address, port, hostKey }: CopyPlace): string {
  const key = hostKey.trim().split(/\s+/).slice(0, 2).join(" ");
  return port === 22 ? `${address} ${key}\n` : `[${address}]:${port} ${key}\n`;
}
