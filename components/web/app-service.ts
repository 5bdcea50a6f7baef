import type { remote } from "@pulumi/command";
import * as docker from "@pulumi/docker";
import type { input } from "@pulumi/docker/types";
import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { mapValues } from "../core/collections";
import { Component, waitsFor } from "../core/component";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import { readScript, remoteScript } from "../core/remote-script";
import { goDuration, LOG_DRIVER, RESTART_POLICY } from "../swarm/pinned-service";
import type { SwarmHandle } from "../swarm/swarm";
import type { Backends, MountedSecret } from "./app-environment";
import {
  connectionParts,
  connectionSecrets,
  healthCommand,
  OWNED_VARIABLES,
  PLATFORM_NAMES,
} from "./app-environment";

/** How much of a machine one replica may take, and is promised. */
export interface ReplicaResources {
  /** Upper limit of memory. MiB, 16 to 1048576. @default 512 */
  memoryMiB?: number;
  /** Memory promised: the replica is placed only where it is free. MiB, 0 to memoryMiB. @default 64, or memoryMiB if that is less */
  reservedMemoryMiB?: number;
  /** Upper limit of CPU. Cores, 0.05 to 256; 0 for none. @default 0 */
  cpus?: number;
  /** CPU promised. Cores, 0 to 256. @default 0 */
  reservedCpus?: number;
}

/** How replicas start, stop and are replaced. */
export interface ReplicaLifecycle {
  /** Time from start to the first healthy answer. Seconds, 1 to 3600. @default 60 */
  startSeconds?: number;
  /** Time from SIGTERM to SIGKILL: longer than the application drains. Seconds, 1 to 3600. @default 30 */
  stopGraceSeconds?: number;
  /** How long a new replica is watched before the next one. Seconds, 1 to 3600. @default 10 */
  monitorSeconds?: number;
  /**
   * How long a replica that was healthy may fail its check before it is replaced. Longer than the
   * database takes to fail over, or every replica would be killed for it. Seconds, 5 to 3600. @default 60
   */
  unhealthySeconds?: number;
}

/** Arguments of {@link AppService}. */
export interface AppServiceArgs extends ReplicaResources, ReplicaLifecycle {
  swarm: SwarmHandle;
  /** A manager, on which `migrate` runs. */
  manager: Host;
  /** Identity of the application's image. */
  image: pulumi.Input<string>;
  /** Port on which the application listens, 1 to 65535. @default 8000 */
  port?: number;
  /** Replicas. Count, 0 to 1000. @default 2 */
  replicas?: number;
  /** Path that answers 2xx when a replica may get requests. @default "/health" */
  health?: string;
  /** Command of the container; the image's own if left out. */
  command?: string[];
  /** Variables in plain text. @default {} */
  env?: Readonly<Record<string, pulumi.Input<string>>>;
  /**
   * Secrets: `/run/secrets/NAME`, and `NAME_FILE` says where. Made secret here even if given as plain
   * text. @default {}
   */
  secrets?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Also puts secrets into the environment, for applications that read no files. @default false */
  secretsInEnvironment?: boolean;
  /** Command that runs once before each new image, for example a migration. */
  migrate?: string[];
  /** The database and cache that the application uses. */
  backends?: Backends;
}

/** The one place these defaults live; a test compares them with the @default tags above. */
export const APP_DEFAULTS = {
  memoryMiB: 512,
  reservedMemoryMiB: 64,
  cpus: 0,
  reservedCpus: 0,
  startSeconds: 60,
  stopGraceSeconds: 30,
  monitorSeconds: 10,
  unhealthySeconds: 60,
  port: 8000,
  replicas: 2,
  health: "/health",
} as const;

type Resolved = Required<ReplicaResources & ReplicaLifecycle> & {
  port: number;
  replicas: number;
  health: string;
};

const MIGRATE = readScript(__dirname, "migrate.sh");
const MIB = 1_048_576;
const CHECK_SECONDS = 5;

/**
 * Replicas of an application. A new version starts beside the old one, replaces it once it is
 * healthy, and is rolled back by Swarm if it is not.
 */
export class AppService extends Component {
  /** Name in the overlay network's DNS, known once the replicas are healthy. */
  readonly serviceName: pulumi.Output<string>;

  constructor(
    private readonly shortName: string,
    args: AppServiceArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const resolved = resolveArgs(shortName, args);
    super("trivet:web:AppService", shortName, opts);

    const secretValues = {
      ...(args.backends && connectionSecrets(args.backends)),
      ...mapValues(args.secrets ?? {}, (value) => pulumi.secret(value)),
    };
    const mounted = this.createSecrets(secretValues, args.swarm);
    const migrated = args.migrate && this.migrate(args.migrate, args, secretValues);
    const service = this.createService(args, resolved, secretValues, mounted, migrated);
    this.serviceName = service.id.apply(() => shortName);
    this.registerOutputs({ serviceName: this.serviceName });
  }

  /** Named by the provider with a random suffix: Swarm's secrets cannot be changed, only replaced. */
  private createSecrets(
    values: Record<string, pulumi.Input<string>>,
    swarm: SwarmHandle,
  ): MountedSecret[] {
    return Object.entries(values).map(([name, value]) => {
      const data = pulumi
        .output(value)
        .apply((text) => Buffer.from(text, "utf8").toString("base64"));
      const options = { parent: this, provider: swarm.provider, dependsOn: this.waitsFor };
      const secret = new docker.Secret(
        `${this.shortName}-${name}`,
        { data: pulumi.secret(data) },
        options,
      );
      return { name, secret };
    });
  }

  private migrate(
    command: string[],
    args: AppServiceArgs,
    secretValues: Record<string, pulumi.Input<string>>,
  ): remote.Command {
    const env = this.plainEnvironment(args);
    const variables = pulumi
      .output(env)
      .apply((all) => Object.entries(all).map(([key, value]) => `${key}=${value}`));
    const words = pulumi
      .all([
        args.image,
        args.swarm.gatewayAddress,
        args.backends?.cacheAddress ?? args.swarm.gatewayAddress,
        args.swarm.network,
        variables,
      ])
      .apply(([image, gateway, cache, network, vars]) => [
        image,
        gateway,
        cache,
        network,
        String(args.secretsInEnvironment === true),
        String(vars.length),
        ...vars,
        ...command,
      ]);
    const stdin = pulumi.all(secretValues).apply((all) =>
      Object.entries(all)
        .map(([key, value]) => `${key} ${Buffer.from(value, "utf8").toString("base64")}\n`)
        .join(""),
    );
    const script = {
      script: MIGRATE,
      args: words,
      stdin,
      dependsOn: args.backends?.dependsOn ?? [],
    };
    return remoteScript(`${this.shortName}-migrate`, args.manager, script, this);
  }

  private plainEnvironment(args: AppServiceArgs): Record<string, pulumi.Input<string>> {
    return { ...(args.backends && connectionParts(args.backends)), ...args.env };
  }

  private createService(
    args: AppServiceArgs,
    resolved: Resolved,
    secretValues: Record<string, pulumi.Input<string>>,
    mounted: MountedSecret[],
    migrated: remote.Command | undefined,
  ): docker.Service {
    const { swarm } = args;
    const files = Object.fromEntries(
      mounted.map((m) => [`${m.name}_FILE`, `/run/secrets/${m.name}`]),
    );
    const inEnvironment = args.secretsInEnvironment === true ? secretValues : {};
    const env = { ...this.plainEnvironment(args), ...files, ...inEnvironment };
    const update = {
      order: "start-first",
      parallelism: 1,
      failureAction: "rollback",
      monitor: goDuration(resolved.monitorSeconds),
    };
    const dependsOn = waitsFor(this, [
      ...(args.backends?.dependsOn ?? []),
      ...(migrated ? [migrated] : []),
    ]);
    return new docker.Service(
      this.shortName,
      {
        name: this.shortName,
        mode: { replicated: { replicas: resolved.replicas } },
        labels: [{ label: "trivet.service", value: this.shortName }],
        taskSpec: {
          containerSpec: containerSpec(args, resolved, env, mounted),
          networksAdvanceds: [{ id: swarm.network }],
          placement: { prefs: ["spread=node.labels.trivet.machine"] },
          restartPolicy: RESTART_POLICY,
          resources: taskResources(resolved),
          logDriver: LOG_DRIVER,
        },
        endpointSpec: { mode: "dnsrr" },
        updateConfig: update,
        rollbackConfig: { ...update, failureAction: "pause" },
        convergeConfig: { delay: "2s", timeout: "10m" },
      },
      { parent: this, provider: swarm.provider, dependsOn },
    );
  }
}

function containerSpec(
  args: AppServiceArgs,
  resolved: Resolved,
  env: Record<string, pulumi.Input<string>>,
  mounted: MountedSecret[],
): input.ServiceTaskSpecContainerSpec {
  const { backends } = args;
  return {
    image: args.image,
    ...(args.command && { commands: args.command }),
    env,
    ...(backends && {
      hosts: [
        { host: PLATFORM_NAMES.database, ip: backends.gatewayAddress },
        { host: PLATFORM_NAMES.cache, ip: backends.cacheAddress },
      ],
    }),
    secrets: mounted.map(({ name, secret }) => ({
      secretId: secret.id,
      secretName: secret.name,
      fileName: `/run/secrets/${name}`,
      // Readable by whatever user the image runs as; nothing else is in the container.
      fileMode: 0o444,
    })),
    healthcheck: {
      tests: ["CMD-SHELL", healthCommand(resolved.port, resolved.health)],
      interval: goDuration(CHECK_SECONDS),
      timeout: "5s",
      retries: Math.ceil(resolved.unhealthySeconds / CHECK_SECONDS),
      startPeriod: goDuration(resolved.startSeconds),
    },
    stopGracePeriod: goDuration(resolved.stopGraceSeconds),
  };
}

function taskResources(resolved: Resolved): input.ServiceTaskSpecResources {
  const { memoryMiB, reservedMemoryMiB, cpus, reservedCpus } = resolved;
  return {
    limits: { memoryBytes: memoryMiB * MIB, ...(cpus > 0 && { nanoCpus: Math.round(cpus * 1e9) }) },
    reservation: {
      memoryBytes: reservedMemoryMiB * MIB,
      ...(reservedCpus > 0 && { nanoCpus: Math.round(reservedCpus * 1e9) }),
    },
  };
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

function resolveArgs(name: string, args: AppServiceArgs): Resolved {
  const { memoryMiB, reservedMemoryMiB, cpus, reservedCpus } = args;
  const {
    startSeconds,
    stopGraceSeconds,
    monitorSeconds,
    unhealthySeconds,
    port,
    replicas,
    health,
  } = args;
  const given = {
    memoryMiB,
    // The default must not make a small limit an error.
    reservedMemoryMiB:
      reservedMemoryMiB ??
      Math.min(APP_DEFAULTS.reservedMemoryMiB, memoryMiB ?? APP_DEFAULTS.memoryMiB),
    cpus,
    reservedCpus,
    startSeconds,
    stopGraceSeconds,
  };
  const resolved = withDefaults<Resolved>(APP_DEFAULTS, {
    ...given,
    monitorSeconds,
    unhealthySeconds,
    port,
    replicas,
    health,
  } as Partial<Resolved>);
  const check = new ArgsCheck(`AppService "${name}"`)
    .name(name, "name")
    .port(resolved.port, "port")
    .integer(resolved.replicas, "replicas", 0, 1000)
    .that(
      /^\/[A-Za-z0-9._~/?&=%-]*$/.test(resolved.health),
      "health",
      `is ${JSON.stringify(resolved.health)}, must be a path like /health`,
    )
    .integer(resolved.memoryMiB, "memoryMiB", 16, 1_048_576)
    .integer(resolved.reservedMemoryMiB, "reservedMemoryMiB", 0, resolved.memoryMiB)
    .number(resolved.cpus, "cpus", 0, 256)
    .number(resolved.reservedCpus, "reservedCpus", 0, 256)
    .integer(resolved.startSeconds, "startSeconds", 1, 3600)
    .integer(resolved.stopGraceSeconds, "stopGraceSeconds", 1, 3600)
    .integer(resolved.monitorSeconds, "monitorSeconds", 1, 3600)
    .integer(resolved.unhealthySeconds, "unhealthySeconds", 5, 3600);
  for (const [list, names] of Object.entries({ env: args.env, secrets: args.secrets })) {
    for (const key of Object.keys(names ?? {})) {
      check
        .that(VARIABLE.test(key), `${list}.${key}`, "is not a name of a variable")
        .that(
          args.backends === undefined || !OWNED_VARIABLES.includes(key),
          `${list}.${key}`,
          "is set by the platform",
        );
    }
  }
  check.done();
  return resolved;
}
