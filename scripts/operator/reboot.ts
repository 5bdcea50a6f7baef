import { spawn } from "node:child_process";
import { once } from "node:events";
import type { StackOutputs } from "../stack/pulumi";
import { whileDrained } from "./drain";
import { redundancyOf, redundantWithin } from "./health";
import type { Machine } from "./machines";
import { callOn, machinesOf, tryOn, waitFor } from "./machines";
import { switchover } from "./switchover";

/** Longest waits. Seconds. */
export interface RebootLimits {
  /** Until nothing runs on the machine any more. */
  drainSeconds: number;
  /** From the restart until the machine answers again. */
  backSeconds: number;
  /** From then until everything is redundant. */
  redundantSeconds: number;
}

export const REBOOT_LIMITS: RebootLimits = {
  // Postgres may take two minutes to stop.
  drainSeconds: 180,
  backSeconds: 300,
  redundantSeconds: 300,
};

/** What the operator chose, and how it is done. */
export interface RebootOptions {
  /** Machines to restart; all if empty. */
  machines: readonly string[];
  /** Asks before what users will notice. */
  agree: (question: string) => Promise<boolean>;
  /** For each step. */
  say: (line: string) => void;
  /** Makes a machine restart; resolves when that has begun. @default {@link restartOverSsh} */
  restart?: (machine: Machine) => Promise<void>;
  /** Stops before the next step. */
  signal?: AbortSignal;
  limits?: RebootLimits;
}

/** What every step needs. */
interface Run extends Required<Pick<RebootOptions, "restart" | "limits" | "say">> {
  outputs: StackOutputs;
  signal: AbortSignal | undefined;
}

/** On tmpfs: gone once the machine has restarted. */
const MARKER = "/run/trivet-reboot";
const POLL_MILLISECONDS = 1000;
const ASK_SECONDS = 10;

/** Machines in the order of their restarts: what is missed least comes first, the primary last. */
export function rebootOrder(
  machines: readonly Machine[],
  primary: string | undefined,
  chosen: readonly string[],
): Machine[] {
  const names = machines.map(({ name }) => name);
  const unknown = chosen.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new Error(`there is no machine ${unknown.join(", ")}, but ${names.join(", ")}`);
  }
  const rank = ({ name, role }: Machine) => (role !== "core" ? 0 : name === primary ? 2 : 1);
  return machines
    .filter(({ name }) => chosen.length === 0 || chosen.includes(name))
    .sort((a, b) => rank(a) - rank(b));
}

/**
 * Restarts machines one after the other, each only while everything is redundant.
 *
 * @returns What to tell the operator.
 * @throws Error if a machine failed: those after it have been left alone.
 */
export async function reboot(outputs: StackOutputs, options: RebootOptions): Promise<string> {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const run: Run = {
    outputs,
    signal: options.signal,
    restart: options.restart ?? restartOverSsh,
    limits: options.limits ?? REBOOT_LIMITS,
    say: (line) => {
      options.say(`${String(seconds()).padStart(4)} s  ${line}`);
    },
  };
  const all = machinesOf(outputs);
  const order = rebootOrder(all, await primaryIfRedundant(run), options.machines);
  const alone = order.find((machine) => otherManagers(all, machine).length === 0);
  if (alone !== undefined) {
    const question = `${alone.name} is the only machine with the database: the platform will be away for about half a minute.`;
    if (!(await options.agree(question))) return "nothing has been changed";
  }
  for (const [i, machine] of order.entries()) {
    try {
      await rebootOne(run, machine);
    } catch (error) {
      const left = order.slice(i + 1).map(({ name }) => name);
      const rest = left.length === 0 ? "" : `; not restarted: ${left.join(", ")}`;
      throw new Error(`${error instanceof Error ? error.message : String(error)}${rest}`);
    }
  }
  return `restarted ${order.map(({ name }) => name).join(", ")} in ${seconds()} s`;
}

const otherManagers = (all: readonly Machine[], machine: Machine) =>
  all.filter(({ name, role }) => role === "core" && name !== machine.name);

/** The primary's machine; throws if anything is missing: then a restart would cost more than a moment. */
async function primaryIfRedundant({ outputs, signal }: Run): Promise<string | undefined> {
  const { ok, missing, primary } = await redundancyOf(outputs, signal);
  signal?.throwIfAborted();
  if (!ok) throw new Error(`the platform is not complete: ${missing.join(", ")}`);
  return primary;
}

/** One machine, from a redundant platform to a redundant platform. */
async function rebootOne(run: Run, machine: Machine): Promise<void> {
  const { outputs, say, signal, limits } = run;
  const { name } = machine;
  const others = otherManagers(machinesOf(outputs), machine);
  const primary = await primaryIfRedundant(run);
  if (others.length === 0) {
    await restartAndWait(run, machine);
  } else {
    if (name === primary) say(await switchover(outputs, { say, signal }));
    const limitSeconds = limits.drainSeconds;
    await withoutEntry(machine, async () => {
      await whileDrained({ name, others, say, signal, limitSeconds }, async () => {
        await restartAndWait(run, machine);
      });
    });
  }
  say(`${name}: answers again; waiting until everything is redundant`);
  await redundantWithin(outputs, limits.redundantSeconds, signal);
  say(`${name}: done`);
}

/** Shell for a keepalived that starts with the machine. */
const keepalived = (verb: "stop" | "start") =>
  `if systemctl is-enabled --quiet keepalived 2> /dev/null; then systemctl ${verb} keepalived; fi`;

/**
 * Gives the floating address to another machine first, if this one holds it: sooner than by
 * its own check, which takes two seconds. Started by the restart, or here if there was none.
 */
async function withoutEntry(machine: Machine, act: () => Promise<void>): Promise<void> {
  if (machine.role === "core") await callOn(machine, keepalived("stop"), ASK_SECONDS);
  try {
    await act();
  } catch (error) {
    await callOn(machine, keepalived("start"), ASK_SECONDS);
    throw error;
  }
}

async function restartAndWait(run: Run, machine: Machine): Promise<void> {
  const { say, signal, limits } = run;
  const { name } = machine;
  signal?.throwIfAborted();
  if ((await tryOn(machine, `touch ${MARKER}`, ASK_SECONDS)) === undefined) {
    throw new Error(`${name} does not answer over SSH`);
  }
  say(`${name}: restarting`);
  await run.restart(machine);
  const deadline = Date.now() + limits.backSeconds * 1000;
  for (;;) {
    const text = await tryOn(
      machine,
      `if [ -e ${MARKER} ]; then echo old; else echo new; fi`,
      5,
      signal,
    );
    if (text?.trim() === "new") return;
    signal?.throwIfAborted();
    if (Date.now() > deadline) {
      const what = text === undefined ? "has not come back" : "has not restarted";
      throw new Error(`${name} ${what} within ${limits.backSeconds} s: look at its console`);
    }
    await waitFor(POLL_MILLISECONDS, signal);
  }
}

/** The default way; the machine restarts a moment after the answer. */
export async function restartOverSsh(machine: Machine): Promise<void> {
  const script =
    "systemd-run --quiet --collect --on-active=1 --timer-property=AccuracySec=100ms systemctl reboot";
  const { code, stderr } = await callOn(machine, script, ASK_SECONDS);
  if (code !== 0) throw new Error(`${machine.name} cannot be restarted: ${stderr.trim()}`);
}

/** Restarts machines by a command here, whose last word is the machine's name: for clouds, and stand-ins. */
export function restartByCommand(
  command: string,
  cwd: string,
): (machine: Machine) => Promise<void> {
  return async ({ name }) => {
    const child = spawn("bash", ["-c", `${command} "$1"`, "bash", name], {
      cwd,
      stdio: ["ignore", 2, 2],
    });
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`TRIVET_REBOOT_COMMAND failed for ${name}: ${command} ${name}`);
  };
}
