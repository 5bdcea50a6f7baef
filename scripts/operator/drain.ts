import type { Machine } from "./machines";
import { callOn, liveManager, quote, waitFor } from "./machines";
import type { Placement } from "./placement";
import { notYetElsewhere, readPlacement, replaceReplicas, servicesOn } from "./placement";

/** A machine that is to be emptied. */
export interface Drain {
  name: string;
  /** Other core machines, of which one does it. */
  others: readonly Machine[];
  /** For each step. */
  say: (line: string) => void;
  /** Stops before the next step. */
  signal: AbortSignal | undefined;
  /** Longest wait for what runs there to end. */
  limitSeconds: number;
}

const POLL_MILLISECONDS = 1000;
const ASK_SECONDS = 10;

/** Takes everything off a machine, and lets tasks come back afterwards, whatever has happened. */
export async function whileDrained(drain: Drain, act: () => Promise<void>): Promise<void> {
  const { name, others, say } = drain;
  const manager = await liveManager(others);
  try {
    // New replicas start elsewhere before the old ones end. A drain alone would end them all at once,
    // together with the pooler that they finish their requests with.
    await setAvailability(manager, name, "pause");
    await moveApplications(drain, manager);
    say(`${name}: stopping its services`);
    await setAvailability(manager, name, "drain");
    await untilPlaced(
      drain,
      manager,
      (placement) => servicesOn(placement, name),
      (left) => `${name} still runs ${left}`,
    );
    await act();
    await setAvailability(await liveManager(others), name, "active");
  } catch (error) {
    await takeTasksAgain(drain);
    throw error;
  }
}

/** After a failure: the node shall not stay drained for ever, for nobody would see it. */
async function takeTasksAgain({ name, others, say }: Drain): Promise<void> {
  try {
    await setAvailability(await liveManager(others), name, "active");
    say(`${name}: its node takes tasks again (availability active)`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(
      `${name}: its node still takes NO tasks (${reason}): docker node update --availability active on a manager changes that`,
    );
  }
}

async function setAvailability(
  manager: Machine,
  name: string,
  availability: "active" | "pause" | "drain",
): Promise<void> {
  const script = `node=$(docker node ls -q --filter ${quote(`node.label=trivet.machine=${name}`)})
[ -n "$node" ] || { echo "${name} is no node of the Swarm" >&2; exit 1; }
docker node update --availability ${availability} "$node" > /dev/null`;
  const { code, stderr } = await callOn(manager, script, ASK_SECONDS);
  if (code === 0) return;
  throw new Error(
    `${name} cannot be set to ${availability}: ${stderr.trim().split("\n").at(-1) ?? ""}`,
  );
}

/** Moves the replicas of one machine to the others, as an update does: the new one first. */
async function moveApplications(drain: Drain, manager: Machine): Promise<void> {
  const { name, say, signal } = drain;
  const placement = await readPlacement(manager, signal);
  if (placement === undefined)
    throw new Error(`${manager.name} does not tell what runs on ${name}`);
  const here = servicesOn(placement, name).filter((each) => each in placement.applications);
  for (const service of here) {
    say(`${name}: moving ${service} to other machines`);
    await replaceReplicas(manager, service, placement.applications[service] ?? 1, signal);
  }
  await untilPlaced(
    drain,
    manager,
    (now) => notYetElsewhere(now, name),
    (left) => `not all replicas run on other machines: ${left}`,
  );
}

/** Waits until `left` names nothing more. */
async function untilPlaced(
  { signal, limitSeconds }: Drain,
  manager: Machine,
  left: (placement: Placement) => string[],
  complaint: (names: string) => string,
): Promise<void> {
  const deadline = Date.now() + limitSeconds * 1000;
  for (;;) {
    const placement = await readPlacement(manager, signal);
    const names = placement === undefined ? ["(no answer)"] : left(placement);
    signal?.throwIfAborted();
    if (names.length === 0) return;
    if (Date.now() > deadline) {
      throw new Error(`${complaint(names.join(", "))} after ${limitSeconds} s`);
    }
    await waitFor(POLL_MILLISECONDS, signal);
  }
}
