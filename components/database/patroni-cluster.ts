import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { ArgsCheck } from "../core/args-check";
import { entryOf } from "../core/collections";
import { Component } from "../core/component";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import { isShort, leadOf } from "../core/host";
import { PORTS } from "../core/ports";
import { remoteFiles, signalService } from "../core/remote-files";
import type { RemoteRun } from "../core/remote-script";
import { readScript, remoteScript } from "../core/remote-script";
import { rolling } from "../core/rolling";
import { managerScript } from "../swarm/nodes";
import type { PinnedService } from "../swarm/pinned-service";
import { pinnedService } from "../swarm/pinned-service";
import type { SwarmHandle } from "../swarm/swarm";
import type { EtcdEndpoints } from "./etcd-cluster";
import type { ParameterValue, PatroniPasswords, PatroniSettings } from "./patroni-files";
import {
  renderDynamicConfig,
  renderPatroniConfig,
  SWITCHOVER,
  SWITCHOVER_MARKER,
} from "./patroni-files";
import { BASE_PARAMETERS, checkParameters } from "./postgres-parameters";

export { BASE_PARAMETERS, OWNED_PARAMETERS } from "./postgres-parameters";

/** Patroni's times. Losing a machine costs the rest of the lease (ttl) plus 1 to 4 s. */
export interface PatroniTimes {
  /** Lease of the primary. Seconds, 20 to 300; Patroni's minimum is 20. @default 20 */
  ttlSeconds?: number;
  /** Pause between two looks at the cluster. Seconds, 1 to 60. @default 5 */
  loopWaitSeconds?: number;
  /** How long etcd or Postgres may fail before the primary gives up. Seconds, 3 to 60. @default 5 */
  retryTimeoutSeconds?: number;
}

/** The application's database. */
export interface ApplicationDatabase {
  /** Name of the database, a Postgres identifier. @default "app" */
  name?: string;
  /** Role that owns it. @default "app" */
  user?: string;
}

/** Arguments of {@link PatroniCluster}. */
export interface PatroniClusterArgs {
  /** One, three or five machines, one member each. */
  hosts: readonly Host[];
  swarm: SwarmHandle;
  etcd: EtcdEndpoints;
  /** Identity of an image with Patroni 4.0.7 or newer and Postgres 17 (`components/images/postgres`). */
  image: pulumi.Input<string>;
  times?: PatroniTimes;
  /** Postgres parameters; those of {@link OWNED_PARAMETERS} are refused. @default {} */
  parameters?: pulumi.Input<Record<string, ParameterValue>>;
  database?: ApplicationDatabase;
  /** Addresses of further machines that may log in with a password. IPv4. @default [] */
  clients?: readonly pulumi.Input<string>[];
  /** How long the first start, or a clone, may take. Seconds, 30 to 86400. @default 300 */
  startSeconds?: number;
}

/** The one place these defaults live; a test compares them with the @default tags above. */
export const PATRONI_DEFAULTS: Required<PatroniTimes & ApplicationDatabase> = {
  ttlSeconds: 20,
  loopWaitSeconds: 5,
  retryTimeoutSeconds: 5,
  name: "app",
  user: "app",
};

/** What clients of the cluster need to know. */
export interface DatabaseEndpoints {
  readonly database: string;
  readonly user: string;
  /** A secret. */
  readonly password: pulumi.Output<string>;
  /** Addresses of the members. */
  readonly members: readonly { name: string; address: pulumi.Input<string> }[];
}

/** User and group of the image. */
const OWNER = "64802:64802";
const SCRIPTS = {
  handover: managerScript(__dirname, "handover.sh"),
  settings: behindPrimary("settings.sh"),
  passwords: readScript(__dirname, "passwords.sh"),
  roles: behindPrimary("roles.sh"),
};

function behindPrimary(file: string): string {
  return [readScript(__dirname, "primary.sh"), readScript(__dirname, file)].join("\n");
}

/** What handover.sh needs for a switchover. */
const SWITCHOVER_WORDS = [SWITCHOVER_MARKER, SWITCHOVER, String(PORTS.patroni)];

/** Postgres under Patroni: one member per machine, one of them the primary, failing over by itself. */
export class PatroniCluster extends Component implements DatabaseEndpoints {
  readonly database: string;
  readonly user: string;
  readonly password: pulumi.Output<string>;
  readonly members: DatabaseEndpoints["members"];
  /** Service of each member, by the machine's name. */
  readonly services: Readonly<Record<string, string>>;

  constructor(name: string, args: PatroniClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    const resolved = resolveArgs(name, args);
    super("trivet:database:PatroniCluster", name, opts);

    const { hosts } = args;
    const passwords = this.makePasswords(name);
    const application = this.makePassword(`${name}-application`);
    this.members = hosts.map((host) => ({ name: host.name, address: host.privateAddress }));
    this.services = Object.fromEntries(hosts.map((h) => [h.name, `${name}-${h.name}`]));
    const settings = pulumi.output(args.parameters ?? {}).apply((parameters) => ({
      ttl: resolved.ttlSeconds,
      loopWait: resolved.loopWaitSeconds,
      retryTimeout: resolved.retryTimeoutSeconds,
      parameters: {
        ...BASE_PARAMETERS,
        ...checkParameters(`PatroniCluster "${name}"`, parameters),
      },
    }));
    const services = rolling(hosts, (host, after) =>
      this.runMember(name, host, args, passwords, settings, after),
    );
    const settled = this.settle(name, args, resolved.startSeconds, passwords, settings, services);
    const known = hosts.map((host) =>
      this.givePasswords(name, host, passwords, resolved.startSeconds, settled),
    );
    const roles = this.createRoles(name, args, resolved, passwords, application, known);
    this.database = resolved.name;
    this.user = resolved.user;
    this.password = pulumi.secret(
      pulumi.all([application, roles.id]).apply(([password]) => password),
    );
    this.registerOutputs({ database: this.database, user: this.user });
  }

  private makePasswords(name: string): pulumi.Output<PatroniPasswords> {
    return pulumi
      .all([
        this.makePassword(`${name}-superuser`),
        this.makePassword(`${name}-replication`),
        this.makePassword(`${name}-rewind`),
        this.makePassword(`${name}-rest`),
      ])
      .apply(([superuser, replication, rewind, rest]) =>
        pulumi.secret({ superuser, replication, rewind, rest }),
      );
  }

  private makePassword(name: string): pulumi.Output<string> {
    return new random.RandomPassword(name, { length: 32, special: false }, { parent: this }).result;
  }

  private runMember(
    name: string,
    host: Host,
    args: PatroniClusterArgs,
    passwords: pulumi.Output<PatroniPasswords>,
    settings: pulumi.Output<PatroniSettings>,
    after: pulumi.Resource[],
  ): PinnedService {
    const { authority, certificate, key } = entryOf(args.etcd.certificates, host.name);
    const config = pulumi
      .all([this.members, args.etcd.addresses, passwords, settings, args.clients ?? []])
      .apply(([members, etcdAddresses, secrets, current, clients]) =>
        renderPatroniConfig({
          cluster: name,
          name: host.name,
          members,
          clients,
          etcdAddresses,
          passwords: secrets,
          settings: current,
        }),
      );
    const folder = `/etc/trivet/${name}`;
    const files = remoteFiles(
      `${name}-${host.name}-files`,
      host,
      {
        files: [
          { path: `${folder}/authority.pem`, content: authority },
          { path: `${folder}/member.pem`, content: certificate },
          { path: `${folder}/member-key.pem`, content: key, mode: "0400", owner: OWNER },
          { path: `${folder}/patroni.yml`, content: config, mode: "0400", owner: OWNER },
        ],
        // Patroni reads its file again on SIGHUP, and Postgres reloads.
        afterwards: signalService(`${name}-${host.name}`, "HUP"),
        dependsOn: [args.swarm.provider],
      },
      this,
    );
    const handover = args.hosts.length === 1 ? [] : [this.handOver(name, host, args, after)];
    return this.startMember(name, host, args, folder, [files, ...after, ...handover]);
  }

  /** Before its image changes, a member that is the primary switches over. */
  private handOver(
    name: string,
    host: Host,
    { hosts, image }: PatroniClusterArgs,
    dependsOn: pulumi.Resource[],
  ): RemoteRun {
    const script = {
      script: SCRIPTS.handover,
      args: [`${name}-${host.name}`, host.name, image, ...SWITCHOVER_WORDS],
      dependsOn,
      once: isShort(hosts),
    };
    return remoteScript(`${name}-${host.name}-handover`, host, script, this);
  }

  private startMember(
    name: string,
    host: Host,
    args: PatroniClusterArgs,
    folder: string,
    dependsOn: pulumi.Resource[],
  ): PinnedService {
    const liveness = pulumi.interpolate`http://${host.privateAddress}:${PORTS.patroni}/liveness`;
    return pinnedService(
      `${name}-${host.name}`,
      {
        service: `${name}-${host.name}`,
        host,
        swarm: args.swarm,
        image: args.image,
        // Liveness only: whether Postgres is up is Patroni's business, not a reason to kill Patroni.
        healthcheck: { test: ["CMD", "curl", "-fsS", liveness], startSeconds: 60 },
        configFolders: { [folder]: "/etc/trivet" },
        volumes: { [`trivet-${name}`]: "/var/lib/postgresql/data" },
        sharedMemoryMiB: 256,
        // A fast shutdown writes a checkpoint first.
        stopGraceSeconds: 120,
        isHeld: isShort(args.hosts),
        dependsOn,
      },
      this,
    );
  }

  private settle(
    name: string,
    args: PatroniClusterArgs,
    startSeconds: number,
    passwords: pulumi.Output<PatroniPasswords>,
    settings: pulumi.Output<PatroniSettings>,
    dependsOn: PinnedService[],
  ): RemoteRun {
    const stdin = pulumi
      .all([passwords, settings])
      .apply(([{ rest }, current]) => `${rest}\n${JSON.stringify(renderDynamicConfig(current))}\n`);
    const script = {
      script: SCRIPTS.settings,
      args: [String(startSeconds), ...restAddresses(args.hosts)],
      stdin,
      dependsOn,
    };
    return remoteScript(`${name}-settings`, leadOf(args.hosts), script, this);
  }

  private givePasswords(
    name: string,
    host: Host,
    passwords: pulumi.Output<PatroniPasswords>,
    startSeconds: number,
    settled: RemoteRun,
  ): RemoteRun {
    const script = {
      script: SCRIPTS.passwords,
      args: [`${name}-${host.name}`, String(startSeconds)],
      stdin: pulumi.interpolate`${passwords.superuser}\n${passwords.replication}\n${passwords.rewind}\n`,
      dependsOn: [settled],
    };
    return remoteScript(`${name}-${host.name}-passwords`, host, script, this);
  }

  private createRoles(
    name: string,
    args: PatroniClusterArgs,
    database: Required<ApplicationDatabase> & { startSeconds: number },
    passwords: pulumi.Output<PatroniPasswords>,
    application: pulumi.Output<string>,
    dependsOn: RemoteRun[],
  ): RemoteRun {
    const lead = leadOf(args.hosts);
    const { user, name: made, startSeconds } = database;
    const addresses = restAddresses(args.hosts);
    const script = {
      script: SCRIPTS.roles,
      args: [`${name}-${lead.name}`, user, made, String(startSeconds), ...addresses],
      stdin: pulumi.interpolate`${passwords.superuser}\n${application}\n`,
      dependsOn,
    };
    return remoteScript(`${name}-roles`, lead, script, this);
  }
}

function restAddresses(hosts: readonly Host[]): pulumi.Output<string>[] {
  return hosts.map((host) => pulumi.interpolate`${host.privateAddress}:${PORTS.patroni}`);
}

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;

function resolveArgs(name: string, args: PatroniClusterArgs) {
  const given = { ...args.times, ...args.database };
  const resolved = {
    ...withDefaults(PATRONI_DEFAULTS, given),
    startSeconds: args.startSeconds ?? 300,
  };
  const { ttlSeconds, loopWaitSeconds, retryTimeoutSeconds } = resolved;
  new ArgsCheck(`PatroniCluster "${name}"`)
    .quorum(args.hosts, "hosts")
    .unique(
      args.hosts.map((host) => host.name),
      "hosts",
    )
    .integer(ttlSeconds, "times.ttlSeconds", 20, 300)
    .integer(loopWaitSeconds, "times.loopWaitSeconds", 1, 60)
    .integer(retryTimeoutSeconds, "times.retryTimeoutSeconds", 3, 60)
    .that(
      loopWaitSeconds + 2 * retryTimeoutSeconds <= ttlSeconds,
      "times",
      `loopWaitSeconds + 2 × retryTimeoutSeconds is ${loopWaitSeconds + 2 * retryTimeoutSeconds}, must not exceed ttlSeconds (${ttlSeconds})`,
    )
    .that(IDENTIFIER.test(resolved.name), "database.name", notIdentifier(resolved.name))
    .that(
      IDENTIFIER.test(resolved.user) && !RESERVED_ROLES.includes(resolved.user),
      "database.user",
      notIdentifier(resolved.user),
    )
    .integer(resolved.startSeconds, "startSeconds", 30, 86_400)
    .done();
  return resolved;
}

const RESERVED_ROLES = ["postgres", "replicator", "rewinder"];

const notIdentifier = (value: string) =>
  `is ${JSON.stringify(value)}, must be 1 to 63 lower-case letters, digits or _, starting with a letter, and none of ${RESERVED_ROLES.join(", ")}`;
