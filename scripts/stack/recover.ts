import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { ROOT } from "./pulumi";

const run = promisify(execFile);

/** Who holds a stack's lock, as the engine writes it into a folder or bucket. */
const lockSchema = z.object({ pid: z.number(), hostname: z.string(), username: z.string() });

/** Who holds a stack's lock. */
export type Lock = z.output<typeof lockSchema>;

/** What to do about a lock. `ask`: its process is on another machine, so nobody here can know. */
export type Verdict = "release" | "wait" | "ask";

/** A lock is stale when its process was one of this machine and is gone. */
export function judgeLock(lock: Lock, here: string, isAlive: (pid: number) => boolean): Verdict {
  if (lock.hostname !== here) return "ask";
  return isAlive(lock.pid) ? "wait" : "release";
}

/** Whether a process of this machine runs, be it another user's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The folder that a backend is; empty if it is none, or one that only the engine can name: ~ and relative paths. */
function folderOf(backend: string): string {
  return backend.startsWith("file:///") ? fileURLToPath(backend) : "";
}

/**
 * Removes the attributes beside a state in a folder if an engine was killed while it wrote them: no engine would read the
 * state any more ("failed to load checkpoint: EOF"). It needs none. True if there were such.
 */
export function dropBrokenAttributes(backend: string, project: string, stack: string): boolean {
  const path = join(folderOf(backend), ".pulumi", "stacks", project, `${stack}.json.attrs`);
  if (folderOf(backend) === "" || !existsSync(path)) return false;
  try {
    JSON.parse(readFileSync(path, "utf8"));
    return false;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    rmSync(path, { force: true });
    return true;
  }
}

/** Locks of a stack whose state lies in a folder; none elsewhere: those are the engine's to report. */
export function locksOf(backend: string, project: string, stack: string): Lock[] {
  const root = folderOf(backend);
  const folder = join(root, ".pulumi", "locks", "organization", project, stack);
  if (root === "" || !existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => readLock(join(folder, name)))
    .filter((lock) => lock !== undefined);
}

/** A lock that vanishes while it is read was released. */
function readLock(path: string): Lock | undefined {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return undefined;
  }
}

/** What the engine needs to be told of a stack. */
export interface StackPlace {
  stack: string;
  project: string;
  configFile: string;
}

const POLL_SECONDS = 2;

/** Something that an update had begun and not finished, as the state notes it. */
const pendingSchema = z.object({
  type: z.string(),
  resource: z.object({ urn: z.string(), type: z.string() }),
});

/** An operation that was never finished. */
export type Pending = z.output<typeof pendingSchema>;

/**
 * The engine's words to have the state forget operations that were never finished, after a look at what they left where
 * the next update could not tell: a service that was changed or deleted, a network or secret that was deleted. Nothing
 * else is read back: through a machine that does not answer, or manages no Swarm any more, Docker's provider takes
 * networks and secrets for gone.
 */
export function forgetPending(pending: readonly Pending[]): [string, ...string[]] {
  const uncertain = pending.filter(
    ({ type, resource }) => type !== "creating" && resource.type.startsWith("docker:"),
  );
  const targets = ["**pulumi:pulumi:Stack::*", ...uncertain.map(({ resource }) => resource.urn)];
  return [
    ...(["refresh", "--yes", "--skip-preview", "--clear-pending-creates"] as const),
    ...targets.flatMap((target) => ["--target", target]),
  ];
}

/**
 * Brings a stack into a state from which an update can go on after one was killed: releases the lock
 * of a process that is gone, waits for one that still runs, and has the state forget operations that were never
 * finished. `say` gets what is done. Throws where somebody has to decide.
 */
export async function recoverStack(place: StackPlace, say: (text: string) => void): Promise<void> {
  const { stack } = place;
  let said = false;
  for (;;) {
    const locks = locksOf(await backendUrl(), place.project, stack);
    const verdicts = locks.map((lock) => judgeLock(lock, hostname(), isAlive));
    const foreign = locks[verdicts.indexOf("ask")];
    if (foreign !== undefined) throw new Error(lockedElsewhere(stack, foreign));
    if (!verdicts.includes("wait")) {
      if (verdicts.length > 0) await release(place, say);
      break;
    }
    if (!said) say(`stack ${stack} is being updated by process ${pidsOf(locks)}: waiting for it`);
    said = true;
    await sleep(POLL_SECONDS * 1000);
  }
  const pending = await pendingOf(place);
  if (pending.length > 0) {
    say("the last update was interrupted: looking at what it did not finish");
    // From the project's folder, as paths in the state are.
    await engine(place, [...forgetPending(pending), "--config-file", place.configFile], ROOT);
  }
}

/** What has to be done before the engine is asked for the stack at all. */
export async function repairState(place: StackPlace, say: (text: string) => void): Promise<void> {
  if (!dropBrokenAttributes(await backendUrl(), place.project, place.stack)) return;
  say("the last update was killed while it wrote the state: what it left half-written is removed");
}

/**
 * Releases the lock of an update that was killed, where nothing is to go on: the stack is about to be removed.
 *
 * @throws Error where an update runs, or may.
 */
export async function releaseDeadLock(
  place: StackPlace,
  say: (text: string) => void,
): Promise<void> {
  const locks = locksOf(await backendUrl(), place.project, place.stack);
  const live = locks.filter((lock) => judgeLock(lock, hostname(), isAlive) !== "release");
  if (live.length > 0) {
    throw new Error(
      `stack ${place.stack} is being updated by process ${pidsOf(live)} on ${live.map((lock) => lock.hostname).join(", ")}: end it first; if it is gone, pulumi cancel --stack ${place.stack} --yes`,
    );
  }
  if (locks.length > 0) await release(place, say);
}

const pidsOf = (locks: readonly Lock[]) => locks.map(({ pid }) => pid).join(", ");

const lockedElsewhere = (stack: string, { username, hostname: host, pid }: Lock) =>
  `stack ${stack} is locked by ${username} on ${host} (process ${pid}): wait for it; if it is gone, pulumi cancel --stack ${stack} --yes`;

async function release(place: StackPlace, say: (text: string) => void): Promise<void> {
  say("the last update was killed: releasing its lock");
  await engine(place, ["cancel", "--yes"]);
}

const stateSchema = z.object({
  deployment: z.object({ pending_operations: z.array(pendingSchema).nullish() }).nullish(),
});

async function pendingOf(place: StackPlace): Promise<Pending[]> {
  return readPending((await engine(place, ["stack", "export"])).stdout);
}

/** What a stack's state, as the engine exports it, says that was never finished. */
export function readPending(state: string): Pending[] {
  return stateSchema.parse(JSON.parse(state)).deployment?.pending_operations ?? [];
}

async function backendUrl(): Promise<string> {
  const { stdout } = await run("pulumi", ["whoami", "--json"]);
  return z.object({ url: z.string() }).parse(JSON.parse(stdout)).url;
}

async function engine(
  { stack, configFile }: StackPlace,
  args: readonly string[],
  cwd = dirname(configFile),
) {
  const options = { cwd, maxBuffer: 268_435_456 };
  try {
    return await run("pulumi", [...args, "--stack", stack, "--non-interactive"], options);
  } catch (error) {
    // Of an operation the engine says on standard output what went wrong; elsewhere, that is the state.
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    if (args[0] !== "refresh" || stdout === "") throw error;
    throw new Error(`pulumi ${args.join(" ")} failed:\n${`${stdout}${stderr}`.slice(-4000)}`);
  }
}
