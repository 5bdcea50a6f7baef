import * as docker from "@pulumi/docker";
import type { input } from "@pulumi/docker/types";
import * as pulumi from "@pulumi/pulumi";
import { waitsFor } from "../core/component";
import type { Host } from "../core/host";
import { isLeftOut, LeftOut } from "../core/host";
import { readScript } from "../core/remote-script";
import { ownerLabel } from "./leftovers";
import type { SwarmHandle } from "./swarm";

/** How a container is asked whether it works. */
export interface HealthCheck {
  test: pulumi.Input<string>[];
  /** Failures count from then on. Seconds. */
  startSeconds: number;
  /** So many failures in a row end the container. 3 by default. */
  retries?: number;
  /** Seconds between two questions. {@link CHECK_SECONDS} by default. */
  intervalSeconds?: number;
}

/** Arguments of {@link pinnedService}. */
export interface PinnedServiceArgs {
  /** Name of the service, and so of its log and its tasks. */
  service: string;
  host: Host;
  swarm: SwarmHandle;
  /** Identity of the image: `sha256:…`. */
  image: pulumi.Input<string>;
  command?: string[];
  /** What must answer for the task to count as started, and to stay. */
  healthcheck: HealthCheck;
  /** Folders of the machine that the container reads. Path on the machine to path inside. */
  configFolders?: Record<string, string>;
  /** Volumes on the machine that hold data. Volume name to path inside. */
  volumes?: Record<string, string>;
  /** Size of /dev/shm. MiB; Docker's 64 by default. */
  sharedMemoryMiB?: number;
  /** Seconds from SIGTERM (or `stopSignal`) to SIGKILL. */
  stopGraceSeconds: number;
  stopSignal?: string;
  /** `host` (default) for the machine's own network, or ports published from the overlay. */
  publish?: { target: number; published: number }[];
  sysctls?: Record<string, string>;
  /** Upper limit of memory. MiB; none by default. */
  memoryLimitMiB?: pulumi.Input<number>;
  /** Where it is there already it stays as it is, whatever is asked for. @default false */
  isHeld?: boolean;
  dependsOn?: pulumi.CustomResourceOptions["dependsOn"];
}

/** Rotates by default, and `docker service logs` can read it. */
export const LOG_DRIVER: input.ServiceTaskSpecLogDriver = {
  name: "local",
  options: { "max-size": "10m", "max-file": "5" },
};

/** Every field as Swarm reports it back: what is left out would show as a difference for ever. */
export const RESTART_POLICY: input.ServiceTaskSpecRestartPolicy = {
  condition: "any",
  delay: "1s",
  maxAttempts: 0,
  window: "0s",
};

/**
 * Each check starts a process in the container: with one every 5 s, three stand-in machines at rest took 67 % of the 2 cores
 * below them, with one every 10 s (and cheaper ones in applications) 33 %. The platform's own images are asked every second
 * until they are healthy for the first time (HEALTHCHECK in their Dockerfiles).
 */
const CHECK_SECONDS = 10;

/** Seconds as Go writes a duration, which is how the provider reports it back: 90 is `1m30s`. */
export function goDuration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const rest = seconds % 60;
  const text = `${hours > 0 ? `${hours}h` : ""}${minutes > 0 ? `${minutes}m` : ""}`;
  return rest > 0 || text === "" ? `${text}${rest}s` : text;
}

/** `file` of `folder` as the first process of a container: child.sh stands before it. */
export function startScript(folder: string, file: string): string {
  return [readScript(__dirname, "child.sh"), readScript(folder, file)].join("\n");
}

/** A service that runs, or will on a machine that is out of reach. */
export type PinnedService = pulumi.Resource & { readonly id: pulumi.Output<string> };

/** One task of a platform service, bound to one machine by its label; restarted for ever. */
export function pinnedService(
  name: string,
  args: PinnedServiceArgs,
  parent: pulumi.Resource,
): PinnedService {
  const { swarm, host, publish } = args;
  if (isLeftOut(host, "docker:index/service:Service", name)) return new LeftOut(name, parent);
  return new docker.Service(
    name,
    {
      name: args.service,
      mode: { replicated: { replicas: 1 } },
      labels: [
        { label: "trivet.service", value: args.service },
        { label: "trivet.machine", value: host.name },
        ...ownerLabel(swarm),
      ],
      taskSpec: {
        containerSpec: containerSpec(args),
        // The host's network is another one on each machine, so Swarm knows it by its name alone, and takes that for an id.
        networksAdvanceds: [{ id: publish === undefined ? "host" : swarm.network }],
        placement: { constraints: [`node.labels.trivet.machine==${host.name}`] },
        restartPolicy: RESTART_POLICY,
        logDriver: LOG_DRIVER,
        ...(args.memoryLimitMiB !== undefined && {
          resources: {
            limits: { memoryBytes: pulumi.output(args.memoryLimitMiB).apply((m) => m * 1048576) },
          },
        }),
      },
      endpointSpec: {
        mode: "dnsrr",
        ...(publish !== undefined && {
          ports: publish.map(({ target, published }) => ({
            targetPort: target,
            publishedPort: published,
            publishMode: "host",
          })),
        }),
      },
      updateConfig: { order: "stop-first", parallelism: 1, failureAction: "pause", monitor: "5s" },
      convergeConfig: { delay: "2s", timeout: "5m" },
    },
    {
      parent,
      provider: swarm.provider,
      dependsOn: waitsFor(parent, args.dependsOn),
      // Read back, the host's network has its identity instead of its name. Taken for a change by
      // the update after a refresh, that would replace the service.
      ...(publish === undefined && { ignoreChanges: ["taskSpec.networksAdvanceds"] }),
      ...((host.away !== undefined || args.isHeld === true) && { ignoreChanges: ["*"] }),
    },
  );
}

function containerSpec(args: PinnedServiceArgs): input.ServiceTaskSpecContainerSpec {
  const folders = Object.entries(args.configFolders ?? {});
  const volumes = Object.entries(args.volumes ?? {});
  return {
    image: args.image,
    hostname: args.host.name,
    ...(args.command && { commands: args.command }),
    healthcheck: {
      tests: args.healthcheck.test,
      interval: goDuration(args.healthcheck.intervalSeconds ?? CHECK_SECONDS),
      timeout: "3s",
      retries: args.healthcheck.retries ?? 3,
      startPeriod: goDuration(args.healthcheck.startSeconds),
    },
    mounts: [
      ...folders.map(([source, target]) => ({ type: "bind", source, target, readOnly: true })),
      ...volumes.map(([source, target]) => ({ type: "volume", source, target })),
      ...(args.sharedMemoryMiB === undefined ? [] : [sharedMemory(args.sharedMemoryMiB)]),
    ],
    ...(args.sysctls && { sysctl: args.sysctls }),
    stopGracePeriod: goDuration(args.stopGraceSeconds),
    ...(args.stopSignal !== undefined && { stopSignal: args.stopSignal }),
  };
}

function sharedMemory(sizeMiB: number): input.ServiceTaskSpecContainerSpecMount {
  // Without the sticky bit, which Swarm does not report back; one user writes there.
  const tmpfsOptions = { sizeBytes: sizeMiB * 1048576, mode: 0o777 };
  return { type: "tmpfs", target: "/dev/shm", tmpfsOptions };
}
