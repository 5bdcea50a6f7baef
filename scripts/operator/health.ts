import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PORTS } from "../../components/core/ports";
import type { StackOutputs } from "../stack/pulumi";
import { firstAnswer, machinesOf, waitFor } from "./machines";
import type { MemberStatus } from "./status";
import { parseMembers, parseServices } from "./status";

/** Whether everything that must be there twice is there; what is missing, if not. */
export interface Redundancy {
  ok: boolean;
  missing: string[];
  /** Machine of the Postgres primary. */
  primary: string | undefined;
}

const ASK_SECONDS = 10;
const POLL_MILLISECONDS = 500;
const NODES = `docker node ls --format 'node {{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}'`;
const SERVICES = `docker service ls --format '{{.Name}} {{.Replicas}}'`;
const MEMBERS = readFileSync(join(__dirname, "members.sh"), "utf8");

/** Shell that prints what Patroni knows of the cluster, from the first of these members that answers. */
export function clusterScript(addresses: readonly string[]): string {
  const ask = addresses.map(
    (address) => `curl -sf -m 2 http://${address}:${PORTS.patroni}/cluster`,
  );
  return `printf 'cluster '; { ${ask.join(" || ")}; } || true; echo`;
}

/** Shell that prints what etcd and the cache consist of. */
const membersScript = (names: readonly string[], addresses: readonly string[]) =>
  `set -- ${names.join(" ")} -- ${addresses.join(" ")}\n${MEMBERS}`;

/** Reads the line of {@link clusterScript} among others; no members if there is none to be read. */
export function parseCluster(text: string): MemberStatus[] {
  const line = /^cluster (.*)$/m.exec(text)?.[1] ?? "";
  try {
    return parseMembers(line);
  } catch {
    return [];
  }
}

/** Whether every service has all its tasks, every member follows, and every node is there for them. */
export async function redundancyOf(
  outputs: StackOutputs,
  signal?: AbortSignal,
): Promise<Redundancy> {
  const core = machinesOf(outputs).filter(({ role }) => role === "core");
  const addresses = core.map(({ name }) => outputs.machines[name]?.privateAddress ?? "");
  const names = core.map(({ name }) => name);
  const members = membersScript(names, addresses);
  const script = [NODES, SERVICES, clusterScript(addresses), members].join("\n");
  const text = await firstAnswer(core, script, ASK_SECONDS, signal);
  return judgeRedundancy(text, { members: core.length, nodes: machinesOf(outputs).length });
}

/** Reads what a manager said of nodes, services and members. */
export function judgeRedundancy(
  text: string | undefined,
  wanted: { members: number; nodes: number },
): Redundancy {
  if (text === undefined) {
    return { ok: false, missing: ["no manager answers"], primary: undefined };
  }
  const members = parseCluster(text);
  const nodes = text.split("\n").filter((line) => line.startsWith("node "));
  const services = parseServices(text);
  const started = (line: string) => text.split("\n").filter((each) => each === line).length;
  const count = (found: number, all: number, what: string) =>
    found === all ? [] : [`${found} of ${all} ${what}`];
  const missing = [
    ...(services.length === 0 ? ["no services"] : []),
    ...services
      .filter(({ running, wanted: tasks }) => running !== tasks)
      .map(({ name, running, wanted: tasks }) => `${name} ${running}/${tasks}`),
    ...members
      .filter(({ role, state }) => state !== (role === "primary" ? "running" : "streaming"))
      .map(({ name, state }) => `${name} is ${state}`),
    ...count(members.length, wanted.members, "members of Postgres"),
    ...count(started("etcd voter"), wanted.members, "voting members of etcd"),
    ...(started("etcd learner") > 0 ? ["a member of etcd has no vote"] : []),
    ...count(
      started(`valkey master ${wanted.members - 1}`),
      1,
      "primaries of the cache with all replicas",
    ),
    ...nodes.flatMap(judgeNode),
    ...count(nodes.length, wanted.nodes, "nodes of the Swarm"),
  ];
  const primary = members.find(({ role }) => role === "primary")?.name;
  if (members.length > 0 && primary === undefined) missing.push("no primary");
  return { ok: missing.length === 0, missing, primary };
}

/** A line such as `node vm2 Ready Active Reachable`; workers have no last word. */
function judgeNode(line: string): string[] {
  const [, name = "", status = "", availability = "", manager] = line.trim().split(/ +/);
  if (status !== "Ready") return [`node ${name} is ${status.toLowerCase()}`];
  if (availability !== "Active") {
    return [
      `node ${name} takes no tasks (docker node update --availability active ${name} changes that)`,
    ];
  }
  return manager === undefined || manager === "Leader" || manager === "Reachable"
    ? []
    : [`manager ${name} is ${manager.toLowerCase()}`];
}

/** Waits until everything is redundant; throws with what is missing. Resolves to the seconds. */
export async function redundantWithin(
  outputs: StackOutputs,
  limitSeconds: number,
  signal?: AbortSignal,
): Promise<number> {
  const started = Date.now();
  for (;;) {
    const { ok, missing } = await redundancyOf(outputs, signal);
    const seconds = (Date.now() - started) / 1000;
    if (ok) return seconds;
    signal?.throwIfAborted();
    if (seconds > limitSeconds) {
      throw new Error(`not redundant within ${limitSeconds} s: ${missing.join(", ")}`);
    }
    await waitFor(POLL_MILLISECONDS, signal);
  }
}
