import * as docker from "@pulumi/docker";
import type { input } from "@pulumi/docker/types";
import * as pulumi from "@pulumi/pulumi";
import { mapValues } from "../core/collections";
import { Component, waitsFor } from "../core/component";
import type { RemoteRun } from "../core/remote-script";
import { ownerLabel } from "../swarm/leftovers";
import { goDuration, LOG_DRIVER, RESTART_POLICY } from "../swarm/pinned-service";
import type { SwarmHandle } from "../swarm/swarm";
import type { AppServiceArgs, Resolved } from "./app-args";
import { resolveArgs } from "./app-args";
import { appContainer, migrate, plainEnvironment, tryOut } from "./app-container";
import type { MountedSecret } from "./app-environment";
import { connectionSecrets, healthCommand, PLATFORM_NAMES } from "./app-environment";

export type { AppServiceArgs, ReplicaLifecycle, ReplicaResources } from "./app-args";
export { APP_DEFAULTS } from "./app-args";

const MIB = 1_048_576;
/** Replicas are found by nginx only once they are healthy, so the first check decides how soon. */
const CHECK_SECONDS = 5;
/** For Swarm itself: placing tasks, taking an update back. */
const SPARE_SECONDS = 60;

/**
 * Replicas of an application. A new version is tried out first, then starts beside the old one,
 * replaces it once it is healthy, and is rolled back by Swarm if it is not.
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
    const container = appContainer(args, secretValues);
    const migrated = args.migrate && migrate(shortName, this, args, container, args.migrate);
    const tried = tryOut(shortName, this, args, resolved, container, migrated);
    const service = this.createService(args, resolved, secretValues, mounted, tried);
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
        { data: pulumi.secret(data), labels: ownerLabel(swarm) },
        options,
      );
      return { name, secret };
    });
  }

  private createService(
    args: AppServiceArgs,
    resolved: Resolved,
    secretValues: Record<string, pulumi.Input<string>>,
    mounted: MountedSecret[],
    tried: RemoteRun | undefined,
  ): docker.Service {
    const { swarm } = args;
    const files = Object.fromEntries(
      mounted.map((m) => [`${m.name}_FILE`, `/run/secrets/${m.name}`]),
    );
    const inEnvironment = args.secretsInEnvironment === true ? secretValues : {};
    const env = mapValues({ ...plainEnvironment(args), ...files, ...inEnvironment }, literally);
    const update = {
      order: "start-first",
      parallelism: 1,
      failureAction: "rollback",
      monitor: goDuration(resolved.monitorSeconds),
    };
    const dependsOn = waitsFor(this, [
      ...(args.backends?.dependsOn ?? []),
      ...(tried ? [tried] : []),
    ]);
    return new docker.Service(
      this.shortName,
      {
        name: this.shortName,
        mode: { replicated: { replicas: resolved.replicas } },
        labels: [{ label: "trivet.service", value: this.shortName }, ...ownerLabel(swarm)],
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
        convergeConfig: { delay: "2s", timeout: goDuration(longestUpdate(resolved)) },
      },
      { parent: this, provider: swarm.provider, dependsOn },
    );
  }
}

/** Swarm takes `{{…}}` in a variable for a template, and a value that is none would end every task. */
function literally(value: pulumi.Input<string>): pulumi.Output<string> {
  return pulumi.output(value).apply((text) => text.replaceAll("{{", '{{"{{"}}'));
}

/** Until Swarm has replaced every replica, one at a time. Seconds. */
function longestUpdate(resolved: Resolved): number {
  const { replicas, startSeconds, monitorSeconds, stopGraceSeconds } = resolved;
  return SPARE_SECONDS + replicas * (startSeconds + monitorSeconds + stopGraceSeconds);
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
        { host: PLATFORM_NAMES.cache, ip: backends.gatewayAddress },
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
