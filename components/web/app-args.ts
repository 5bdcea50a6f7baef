import type * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import type { SwarmHandle } from "../swarm/swarm";
import type { Backends } from "./app-environment";
import { OWNED_VARIABLES } from "./app-environment";

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
  /** Path that answers 2xx or 3xx when a replica may get requests. @default "/health" */
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
  /** What messages call it: where its user finds its settings. `service NAME` if left out. */
  calledAs?: string;
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

/** Arguments with their defaults. */
export type Resolved = Required<ReplicaResources & ReplicaLifecycle> & {
  port: number;
  replicas: number;
  health: string;
};

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Fills in defaults.
 *
 * @throws InvalidArgsError with every mistake.
 */
export function resolveArgs(name: string, args: AppServiceArgs): Resolved {
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
