import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { readScript, shellQuote } from "../core/remote-script";
import type { SshTarget } from "../core/ssh";
import { runOverSsh } from "../core/ssh";
import { readState } from "../core/stack-state";

/** Label of everything that a stack makes in a Swarm; its value is of that stack alone. */
export const OWNER_LABEL = "trivet.owner";

/** The label of what is made through `swarm`, as the provider takes it. */
export function ownerLabel({
  owner,
}: {
  owner?: pulumi.Output<string>;
}): { label: string; value: pulumi.Output<string> }[] {
  return owner === undefined ? [] : [{ label: OWNER_LABEL, value: owner }];
}

/** What Docker calls the kinds of things that carry the label. */
type Kind = "service" | "network" | "secret";

/** Something in the Swarm that carries the label. */
export interface SwarmObject {
  kind: Kind;
  id: string;
  name: string;
}

const LIST = readScript(__dirname, "list-owned.sh");
const REMOVE = readScript(__dirname, "remove-owned.sh");
const LIST_SECONDS = 30;
const LIST_ATTEMPTS = 3;
const LIST_PAUSE_MILLISECONDS = 2000;
/** Postgres may take two minutes to stop. */
const REMOVE_SECONDS = 300;

/**
 * Removes what an update that was killed had made in the Swarm and could not write down any more: the
 * next one would meet a name conflict. Only what carries the stack's own label and is not in its state
 * is touched; volumes are not. Throws a RunError if the Swarm refuses.
 */
export async function removeLeftovers(
  manager: SshTarget,
  owner: string,
  parent: pulumi.Resource,
): Promise<void> {
  const known = await knownIds();
  // A label that the state does not hold was made by this very update: nothing carries it yet.
  if (known?.has(owner) !== true) return;
  const unknown = (await listOwned(manager, owner)).filter(({ id }) => !known.has(id));
  if (unknown.length === 0) return;
  // What waits to be deleted stands in the state too, but the engine shows it to no program.
  const waiting = resourceIds(await exportState());
  const leftovers = unknown.filter(({ id }) => !waiting.has(id));
  if (leftovers.length === 0) return;
  const names = leftovers.map(({ kind, name }) => `${kind} ${name}`).join(", ");
  await pulumi.log.info(`removing what an interrupted update left in the Swarm: ${names}`, parent);
  const words = leftovers.map(({ kind, id }) => `${kind}:${id}`).join(" ");
  const removed = await runOverSsh(
    manager,
    `bash -c ${shellQuote(REMOVE)} remove ${words}`,
    REMOVE_SECONDS,
  );
  if (removed.code !== 0) {
    const reason = removed.stderr.trim() || `no answer within ${REMOVE_SECONDS} s`;
    throw new pulumi.RunError(
      `an interrupted update left ${names} in the Swarm, and it cannot be removed: ${reason}`,
    );
  }
  const kept = removed.stdout.trim();
  if (kept !== "") await pulumi.log.info(`used, and so left for later: ${kept}`, parent);
}

/** Everything in the Swarm that carries the label. */
async function listOwned(manager: SshTarget, owner: string): Promise<SwarmObject[]> {
  const command = `bash -c ${shellQuote(LIST)} list ${owner}`;
  for (let attempt = 1; ; attempt += 1) {
    const { code, stdout, stderr } = await runOverSsh(manager, command, LIST_SECONDS);
    if (code === 0) return parseObjects(stdout);
    const reason = stderr.trim() || `no answer within ${LIST_SECONDS} s`;
    if (attempt < LIST_ATTEMPTS) {
      await sleep(LIST_PAUSE_MILLISECONDS);
      continue;
    }
    throw new pulumi.RunError(
      `what an interrupted update left in the Swarm cannot be looked for: ${reason}`,
    );
  }
}

/** Reads lines of kind, id and name. */
export function parseObjects(text: string): SwarmObject[] {
  return [...text.matchAll(/^(service|network|secret) (\S+) (\S+)$/gm)].map(
    ([, kind = "", id = "", name = ""]) => ({ kind: kind as Kind, id, name }),
  );
}

/** Identities that the stack's own state holds, the labels' value among them; undefined where there is no engine to ask. */
async function knownIds(): Promise<Set<unknown> | undefined> {
  const state = await readState();
  return state && new Set(Object.values(state).flatMap(({ outputs }) => [outputs.id, outputs.hex]));
}

interface ExportedState {
  deployment?: { resources?: { id?: string }[] };
}

/** Identities of all resources of an exported state. Those that stand in outputs alone do not count. */
export function resourceIds(exported: string): Set<string | undefined> {
  const { deployment } = JSON.parse(exported) as ExportedState;
  return new Set((deployment?.resources ?? []).map(({ id }) => id));
}

/** The whole state as text, its secrets encrypted. */
async function exportState(): Promise<string> {
  const args = ["stack", "export", "--stack", pulumi.getStack(), "--non-interactive"];
  const { stdout } = await promisify(execFile)("pulumi", args, { maxBuffer: 268_435_456 });
  return stdout;
}
