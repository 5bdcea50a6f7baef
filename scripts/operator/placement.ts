import type { Machine } from "./machines";
import { callOn, tryOn } from "./machines";

/** A task that has a node, and is not over. */
export interface Task {
  service: string;
  /** Of the node. */
  node: string;
  running: boolean;
}

/** Which task is where. */
export interface Placement {
  /** Nodes that take tasks, by their identity: the machine's name. */
  nodes: Record<string, { machine: string; active: boolean }>;
  /** Services whose tasks may run on any machine, and how many they should have. */
  applications: Record<string, number>;
  tasks: Task[];
}

const READ_SECONDS = 15;
const ATTEMPTS = 3;
/** Of a rolling update: for itself, and for each replica. */
const UPDATE_SECONDS = { base: 120, replica: 120 };
const OVER = ["complete", "shutdown", "failed", "rejected", "remove", "orphaned"];

/** Shell whose output {@link parsePlacement} reads. A task that Swarm forgets between two questions is over. */
const PLACEMENT = `set -euo pipefail
docker node ls -q | xargs docker node inspect --format 'node {{.ID}} {{.Status.State}} {{.Spec.Availability}} {{index .Spec.Labels "trivet.machine"}}'
services=$(docker service ls -q --filter label=trivet.service)
for id in $services; do
  docker service inspect --format 'service {{.Spec.Name}} {{.Spec.Mode.Replicated.Replicas}} {{index .Spec.Labels "trivet.machine"}}' "$id"
  tasks=$(docker service ps -q --no-trunc "$id")
  [ -z "$tasks" ] || docker inspect --type task --format 'task {{.NodeID}} {{.Status.State}}' $tasks || docker node ls > /dev/null
done`;

/** Reads lines of nodes, and of services with their tasks after them. */
export function parsePlacement(text: string): Placement {
  const placement: Placement = { nodes: {}, applications: {}, tasks: [] };
  let service = "";
  for (const line of text.split("\n")) {
    const [kind, ...words] = line.trim().split(/ +/);
    const [first = "", second = "", third, fourth = ""] = words;
    if (kind === "node") {
      placement.nodes[first] = {
        machine: fourth,
        active: second === "ready" && third === "active",
      };
    } else if (kind === "service") {
      service = first;
      if (third === undefined) placement.applications[first] = Number(second);
    } else if (kind === "task" && words.length === 2 && !OVER.includes(second)) {
      placement.tasks.push({ service, node: first, running: second === "running" });
    }
  }
  return placement;
}

/** Asks a manager, a few times; undefined if it does not answer. */
export async function readPlacement(
  manager: Machine,
  signal?: AbortSignal,
): Promise<Placement | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS && signal?.aborted !== true; attempt += 1) {
    const text = await tryOn(manager, PLACEMENT, READ_SECONDS, signal);
    if (text !== undefined) return parsePlacement(text);
  }
  return undefined;
}

/** The node that a machine is in the Swarm. */
export const nodeOf = ({ nodes }: Placement, machine: string): string | undefined =>
  Object.keys(nodes).find((id) => nodes[id]?.machine === machine);

/** What still is on a machine: services by name, each once. */
export function servicesOn(placement: Placement, machine: string): string[] {
  const node = nodeOf(placement, machine);
  const names = placement.tasks.filter((task) => task.node === node).map(({ service }) => service);
  return [...new Set(names)].sort();
}

/** Applications that do not have all their replicas running on other machines. */
export function notYetElsewhere(placement: Placement, machine: string): string[] {
  const node = nodeOf(placement, machine);
  return Object.entries(placement.applications)
    .filter(([name, wanted]) => {
      const tasks = placement.tasks.filter(({ service }) => service === name);
      const elsewhere = tasks.filter((task) => task.running && task.node !== node).length;
      return elsewhere < wanted || tasks.some((task) => task.node === node);
    })
    .map(([name]) => name);
}

/** Replaces an application's replicas one by one, the new one first, as an update would; throws if it fails. */
export async function replaceReplicas(
  manager: Machine,
  service: string,
  replicas: number,
  signal?: AbortSignal,
): Promise<void> {
  const limit = UPDATE_SECONDS.base + UPDATE_SECONDS.replica * replicas;
  const script = `docker service update --force --detach=false --quiet '${service}' > /dev/null`;
  const { code, stderr } = await callOn(manager, script, limit, signal);
  signal?.throwIfAborted();
  if (code === 0) return;
  const reason = code === null ? `no end within ${limit} s` : stderr.trim().split("\n").at(-1);
  throw new Error(`${service} could not be moved: ${reason ?? ""}`);
}
