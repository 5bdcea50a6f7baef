import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { entryOf } from "../core/collections";
import { Component } from "../core/component";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import { PORTS } from "../core/ports";
import type { RemoteFile } from "../core/remote-files";
import { remoteFiles } from "../core/remote-files";
import type { RemoteRun } from "../core/remote-script";
import { readScript } from "../core/remote-script";
import { hasPassphrase } from "../hosts/private-key";
import type { CopyPlace } from "./dump-files";
import {
  DUMP_CONFIG_FOLDER,
  DUMP_FOLDER,
  DUMP_UNIT,
  renderDumpService,
  renderDumpTimer,
  renderKnownHosts,
} from "./dump-files";

export { DUMP_FOLDER, DUMP_UNIT } from "./dump-files";

/** A second machine that gets a copy of each dump over SSH. */
export interface DumpCopyArgs {
  /** IP address or DNS name that answers SSH. */
  address: string;
  /** TCP port of sshd, 1 to 65535. @default 22 */
  port?: number;
  /** Login user, who needs to be able to write into `path`. No root, no sudo. */
  user: string;
  /** The machine's public host key, as in `ssh-keyscan -t ed25519 ADDRESS`: `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** Absolute path of the folder there, of letters, digits and `._/-`; made if it is missing. */
  path: string;
  /** Private key of `user`, PEM or OpenSSH, without a passphrase. Made secret here even if given as plain text. */
  privateKey: pulumi.Input<string>;
}

/** When dumps are made, and how long they are kept. */
export interface DumpSchedule {
  /** Whether a dump is made each night; without, the script is there for dumps by hand. @default true */
  enabled?: boolean;
  /** Time of day in UTC, `HH:MM`. @default "02:30" */
  time?: string;
  /** How long a dump is kept; the newest one always is. Days, 1 to 3650. @default 14 */
  keepDays?: number;
}

/** Arguments of {@link DatabaseDump}. */
export interface DatabaseDumpArgs extends DumpSchedule {
  /** Machines of the Postgres cluster. The primary's dumps. */
  hosts: readonly Host[];
  /** The Postgres cluster, such as a `PatroniCluster`. */
  source: DumpSource;
  /** Also to a second machine; a copy that fails counts as a failed dump. @default none */
  copyTo?: DumpCopyArgs;
}

/** What a dump needs to know of a Postgres cluster. */
export interface DumpSource {
  readonly database: string;
  /** Addresses of the members, one for each of `hosts`. */
  readonly members: readonly { name: string; address: pulumi.Input<string> }[];
  /** Swarm service of each member, by the machine's name. */
  readonly services: Readonly<Record<string, string>>;
}

/** The one place these defaults live; a test compares them with the @default tags above. */
export const DUMP_DEFAULTS: Required<DumpSchedule> = {
  enabled: true,
  time: "02:30",
  keepDays: 14,
};

const SCRIPTS = {
  dump: readScript(__dirname, "dump.sh"),
  schedule: readScript(__dirname, "schedule.sh"),
};

/** A nightly, compressed dump of the database on the primary's machine, checked, dated and kept for some days. */
export class DatabaseDump extends Component {
  /** Folder of the dumps on each machine. */
  readonly folder = DUMP_FOLDER;

  constructor(name: string, args: DatabaseDumpArgs, opts?: pulumi.ComponentResourceOptions) {
    const schedule = resolveArgs(name, args);
    super("trivet:backup:DatabaseDump", name, opts);

    for (const host of args.hosts) this.install(name, host, args, schedule);
    this.registerOutputs({ folder: this.folder });
  }

  private install(
    name: string,
    host: Host,
    args: DatabaseDumpArgs,
    schedule: Required<DumpSchedule>,
  ): RemoteRun {
    const { source, copyTo } = args;
    const place = copyTo && placeOf(copyTo);
    const own = source.members.filter((member) => member.name === host.name);
    const others = source.members.filter((member) => member.name !== host.name);
    const service = pulumi
      .all([...own, ...others].map(({ address }) => pulumi.output(address)))
      .apply((addresses) =>
        renderDumpService({
          machine: host.name,
          service: entryOf(source.services, host.name),
          database: source.database,
          keepDays: schedule.keepDays,
          members: addresses.map((address) => `${address}:${PORTS.patroni}`),
          copyTo: place,
        }),
      );
    const units = `/etc/systemd/system/${DUMP_UNIT}`;
    const files: RemoteFile[] = [
      { path: `${DUMP_CONFIG_FOLDER}/dump.sh`, content: SCRIPTS.dump },
      { path: `${units}.service`, content: service },
      { path: `${units}.timer`, content: renderDumpTimer(schedule.time) },
      ...(copyTo === undefined ? [] : accessFiles(copyTo)),
    ];
    const words = [DUMP_FOLDER, schedule.enabled ? "on" : "off", String(copyTo !== undefined)];
    const afterwards = `set -- ${words.join(" ")}\n${SCRIPTS.schedule}`;
    return remoteFiles(`${name}-${host.name}-files`, host, { files, afterwards }, this);
  }
}

/** What signs in to the second machine. */
function accessFiles(copyTo: DumpCopyArgs): RemoteFile[] {
  const key = pulumi.secret(copyTo.privateKey).apply((text) => {
    new ArgsCheck("DatabaseDump")
      .that(text.includes("PRIVATE KEY"), "copyTo.privateKey", "is no private key")
      .that(!hasPassphrase(text), "copyTo.privateKey", "has a passphrase, which nobody can type")
      .done();
    return `${text.replaceAll("\r", "").trimEnd()}\n`;
  });
  return [
    { path: `${DUMP_CONFIG_FOLDER}/known_hosts`, content: renderKnownHosts(placeOf(copyTo)) },
    { path: `${DUMP_CONFIG_FOLDER}/key`, content: key, mode: "0400" },
  ];
}

function placeOf({ address, port = 22, user, hostKey, path }: DumpCopyArgs): CopyPlace {
  return { address, port, user, hostKey, path };
}

const HOST_KEY = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( .*)?$/;

function resolveArgs(name: string, args: DatabaseDumpArgs): Required<DumpSchedule> {
  const { enabled, time, keepDays } = args;
  const schedule = withDefaults(DUMP_DEFAULTS, {
    ...(enabled !== undefined && { enabled }),
    ...(time !== undefined && { time }),
    ...(keepDays !== undefined && { keepDays }),
  });
  const names = args.hosts.map((host) => host.name);
  const check = new ArgsCheck(`DatabaseDump "${name}"`)
    .nonEmpty(names, "hosts")
    .unique(names, "hosts")
    .that(
      /^([01]\d|2[0-3]):[0-5]\d$/.test(schedule.time),
      "time",
      `is ${JSON.stringify(schedule.time)}, must be a time of day such as "02:30"`,
    )
    .integer(schedule.keepDays, "keepDays", 1, 3650);
  for (const [i, host] of names.entries()) {
    const known = args.source.members.some((member) => member.name === host);
    check.that(known && host in args.source.services, `hosts[${i}]`, `${host} is no member`);
  }
  if (args.copyTo !== undefined) checkCopy(check, args.copyTo);
  check.done();
  return schedule;
}

function checkCopy(check: ArgsCheck, { address, port = 22, user, hostKey, path }: DumpCopyArgs) {
  const one = (ok: boolean, field: string, value: string, must: string) =>
    check.that(ok, `copyTo.${field}`, `is ${JSON.stringify(value)}, must be ${must}`);
  one(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/.test(address), "address", address, "an address or DNS name");
  check.port(port, "copyTo.port");
  one(/^[a-z_][a-z0-9_-]{0,31}$/.test(user), "user", user, "a login name");
  one(HOST_KEY.test(hostKey.trim()), "hostKey", hostKey, 'like "ssh-ed25519 AAAA…"');
  one(
    /^(\/[A-Za-z0-9_.][A-Za-z0-9._-]*)+$/.test(path),
    "path",
    path,
    "an absolute path of letters, digits and ._-",
  );
}
