import * as pulumi from "@pulumi/pulumi";
import type { Away, Host } from "../components/core/host";
import type { StateResource } from "../components/core/stack-state";
import type { PlatformConfig } from "./config";
import type { Machines } from "./machines";
import type { Finding } from "./probe";
import type { Previous } from "./transitions";
import { isSame } from "./transitions";

/**
 * Silent machines that an update may go round: each was part of the platform at the last update, and
 * most core machines answer.
 */
export function mayBeAway(
  config: PlatformConfig,
  findings: Readonly<Record<string, Finding>>,
  previous: Previous | undefined,
): string[] {
  const silent = Object.keys(findings).filter((name) => findings[name]?.state === "silent");
  const core = Object.keys(config.machines).filter(
    (name) => config.machines[name]?.role === "core",
  );
  const answering = core.filter((name) => findings[name]?.state === "answers");
  if (previous === undefined || answering.length * 2 <= core.length) return [];
  return silent.filter((name) => !isNew(config, name, previous));
}

/** The machines with what is known of each that matters for what is made on it: see {@link Host}. */
export function marked(
  machines: Machines,
  config: PlatformConfig,
  away: readonly string[],
  previous: Previous | undefined,
  state: Readonly<Record<string, StateResource>>,
  findings: Readonly<Record<string, Finding>> = {},
): Machines {
  const known: Away = { known: new Set(Object.keys(state).map(typeAndName)) };
  const hasPrimary = ({ name }: Host) => {
    const { postgres, standby } = findings[name]?.report ?? {};
    return postgres !== undefined && standby !== true;
  };
  const reports = Object.values(findings).flatMap(({ report }) => report?.swarm ?? []);
  const leaving = new Set(reports.flatMap((swarm) => swarm.leaving ?? []));
  const removedNode = ({ name }: Host) => {
    const { state, id, node } = findings[name]?.report?.swarm ?? {};
    const lists = reports.flatMap((swarm) => (swarm.id === id ? (swarm.nodes ?? []) : []));
    const isKnown = lists.length === 0 || node === undefined || lists.includes(node);
    return state === "inactive" || isKnown ? undefined : node;
  };
  const isDetached = (host: Host) => {
    const { name } = host;
    if (removedNode(host) !== undefined) return true;
    if (previous === undefined || isNew(config, name, previous)) return false;
    const { state: swarm, isManager } = findings[name]?.report?.swarm ?? {};
    const isDemoted = swarm === "active" && isManager === false;
    return (
      leaving.has(name) ||
      swarm === "inactive" ||
      (isDemoted && config.machines[name]?.role === "core")
    );
  };
  const mark = (host: Host, removed = removedNode(host)): Host => ({
    name: host.name,
    connection: host.connection,
    publicAddress: host.publicAddress,
    privateAddress: host.privateAddress,
    docker: host.docker,
    ...(host.machine && { machine: host.machine }),
    ...(host.resource && { resource: host.resource }),
    ...(away.includes(host.name) && { away: known }),
    ...(previous !== undefined && { isNew: isNew(config, host.name, previous) }),
    ...(isDetached(host) && { isDetached: true }),
    ...(removed !== undefined && { removedNode: removed }),
    ...(hasPrimary(host) && { hasPrimary: true }),
  });
  const all = machines.all.map((host) => mark(host));
  const withRole = (role: string) => all.filter(({ name }) => config.machines[name]?.role === role);
  return { core: withRole("core"), app: withRole("app"), all };
}

/** The last type of a URN's chain of parents, and the name. */
export function typeAndName(urn: string): string {
  const [, , chain = "", name = ""] = /^urn:pulumi:(.*?)::.*?::(.*?)::(.*)$/.exec(urn) ?? [];
  return `${chain.split("$").at(-1) ?? ""}::${name}`;
}

/** Whether a machine was no part of the platform at the last update. */
export function isNew({ machines }: PlatformConfig, name: string, previous: Previous): boolean {
  const [was, now] = [previous.machines[name], machines[name]];
  return was === undefined || now === undefined || !isSame(was, now);
}

/** Says which machines are left alone, and why. */
export async function sayAway(
  config: PlatformConfig,
  away: readonly string[],
  findings: Readonly<Record<string, Finding>>,
): Promise<void> {
  for (const name of away) {
    const { address = "", port = 22 } = config.machines[name] ?? {};
    const said = findings[name]?.said ?? "";
    const others =
      config.machines[name]?.role === "core"
        ? "; until then etcd, Postgres and Valkey keep their images on the other machines too, which can spare no further member"
        : "";
    await pulumi.log.warn(
      `trivet:machines.${name} (${address} port ${port}) does not answer (${said}): what runs there is left as it is, and the first update that reaches it brings it level${others}`,
    );
  }
}
