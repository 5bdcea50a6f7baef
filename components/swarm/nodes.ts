import type * as pulumi from "@pulumi/pulumi";
import type { Host } from "../core/host";
import { leadOf } from "../core/host";
import type { RemoteRun, RemoteScriptArgs } from "../core/remote-script";
import { readScript, remoteScript } from "../core/remote-script";

/** A machine and what it is in the Swarm. */
export interface SwarmMember {
  host: Host;
  role: "manager" | "worker";
}

/** All machines of a Swarm, managers first. */
export function swarmMembers(managers: readonly Host[], workers: readonly Host[]): SwarmMember[] {
  return [
    ...managers.map((host): SwarmMember => ({ host, role: "manager" })),
    ...workers.map((host): SwarmMember => ({ host, role: "worker" })),
  ];
}

/** A script that runs on one of the Swarm's managers, with what such scripts share in front. */
export function managerScript(folder: string, file: string): string {
  return [readScript(__dirname, "lib.sh"), readScript(folder, file)].join("\n");
}

const SCRIPT = managerScript(__dirname, "nodes.sh");

/**
 * Gives nodes their labels and roles, and removes those whose place another one has taken, or all that
 * are no machine of the platform any more.
 */
export function tidyNodes(
  name: string,
  members: readonly SwarmMember[],
  removed: "replaced" | "obsolete",
  parent: pulumi.Resource,
  more: Pick<RemoteScriptArgs, "dependsOn" | "after"> = {},
): RemoteRun {
  const lead = leadOf(members.filter(({ role }) => role === "manager").map(({ host }) => host));
  const machines = members.flatMap(({ host, role }) => [
    host.name,
    host.privateAddress,
    role,
    host.away === undefined ? "here" : "away",
  ]);
  const detached = members
    .filter(({ host }) => host.isDetached === true)
    .map(({ host }) => host.name);
  const script = {
    script: SCRIPT,
    args: [removed, ...machines],
    ...more,
    after: [...(more.after ?? []), ...detached],
  };
  return remoteScript(name, lead, script, parent);
}
