import * as pulumi from "@pulumi/pulumi";
import type { RemoteRun } from "../core/remote-script";
import { readScript, remoteScript } from "../core/remote-script";
import type { AppServiceArgs, Resolved } from "./app-args";
import { connectionParts, healthCommand } from "./app-environment";

/** A container of the application outside of Swarm, as container.sh makes it. */
export interface AppContainer {
  /** First arguments of the script. */
  words: pulumi.Output<string[]>;
  /** What the script reads: secrets. */
  stdin: pulumi.Output<string>;
}

const CONTAINER = readScript(__dirname, "container.sh");
const MIGRATE = `${CONTAINER}\n${readScript(__dirname, "migrate.sh")}`;
const TRY = `${CONTAINER}\n${readScript(__dirname, "try.sh")}`;

/** Variables in plain text: the platform's and the application's own. */
export function plainEnvironment(args: AppServiceArgs): Record<string, pulumi.Input<string>> {
  return { ...(args.backends && connectionParts(args.backends)), ...args.env };
}

/** With the secrets and the network that replicas get. */
export function appContainer(
  args: AppServiceArgs,
  secrets: Readonly<Record<string, pulumi.Input<string>>>,
): AppContainer {
  const { swarm } = args;
  const words = pulumi
    .all([args.image, swarm.gatewayAddress, swarm.network, pulumi.output(plainEnvironment(args))])
    .apply(([image, gateway, network, env]) => {
      const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
      const inEnvironment = String(args.secretsInEnvironment === true);
      const count = String(variables.length);
      return [image, gateway, gateway, network, inEnvironment, count, ...variables];
    });
  const stdin = pulumi.all(secrets).apply((all) =>
    Object.entries(all)
      .map(([key, value]) => `${key} ${Buffer.from(value, "utf8").toString("base64")}\n`)
      .join(""),
  );
  return { words, stdin };
}

/** Runs a command of the new version once. */
export function migrate(
  name: string,
  parent: pulumi.Resource,
  args: AppServiceArgs,
  { words, stdin }: AppContainer,
  command: readonly string[],
): RemoteRun {
  const script = {
    script: MIGRATE,
    args: words.apply((first) => [...first, ...command]),
    stdin,
    dependsOn: args.backends?.dependsOn ?? [],
  };
  return remoteScript(`${name}-migrate`, args.manager, script, parent);
}

/**
 * Starts a new version once where no request reaches it. What does not get healthy fails here, with
 * the end of its log, and Swarm never hears of it: it would only say that it took an update back.
 */
export function tryOut(
  name: string,
  parent: pulumi.Resource,
  args: AppServiceArgs,
  resolved: Resolved,
  { words, stdin }: AppContainer,
  migrated: RemoteRun | undefined,
): RemoteRun | undefined {
  if (resolved.replicas === 0) return undefined;
  const own = [
    name,
    args.calledAs ?? `service ${name}`,
    String(resolved.startSeconds),
    String(resolved.memoryMiB),
    healthCommand(resolved.port, resolved.health),
    ...(args.command ?? []),
  ];
  const script = {
    script: TRY,
    args: words.apply((first) => [...first, ...own]),
    stdin,
    dependsOn: [...(args.backends?.dependsOn ?? []), ...(migrated ? [migrated] : [])],
  };
  return remoteScript(`${name}-try`, args.manager, script, parent);
}
