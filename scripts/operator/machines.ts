import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PORTS } from "../../components/core/ports";
import type { StackOutputs } from "../stack/pulumi";
import { ROOT } from "../stack/pulumi";

/** A machine of the stack, and the ssh command that reaches it with its host key verified. */
export interface Machine {
  name: string;
  role: string;
  ssh: string;
}

/** The stack's machines, in the order of the configuration. Throws where the program has not written what ssh needs yet. */
export function machinesOf(outputs: Pick<StackOutputs, "machines">): Machine[] {
  const machines = Object.entries(outputs.machines);
  for (const [, { ssh }] of machines) {
    const [, file] = /UserKnownHostsFile=([^'"]*?known_hosts)/.exec(ssh) ?? [];
    if (file === undefined || existsSync(resolve(ROOT, file))) continue;
    throw new Error(
      `${file} is not in this folder: each run of the program writes it, so run pulumi preview of this stack here once (./scripts/up for a local stack)`,
    );
  }
  return machines.map(([name, { role, ssh }]) => ({ name, role, ssh }));
}

/** The words for ssh that run a command as root. */
export const asRoot = (command: string) =>
  `bash -c ${quote(`if [ "$(id -u)" = 0 ]; then exec bash -c "$0"; else exec sudo -n bash -c "$0"; fi`)} ${quote(command)}`;

/** How a script on a machine ended. */
export interface Call {
  /** Exit code of the script, 255 of ssh itself; null when the time was over or it was given up. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a script as root on a machine, for at most so long. Never rejects.
 *
 * @param go What the script's last command waits for: it gets a line to read then. Its input is empty without.
 */
export async function callOn(
  { ssh }: Machine,
  script: string,
  limitSeconds: number,
  signal?: AbortSignal,
  go?: Promise<unknown>,
): Promise<Call> {
  return await new Promise((resolve) => {
    const command = `${ssh} 'if [ "$(id -u)" = 0 ]; then exec bash -s; else exec sudo -n bash -s; fi'`;
    const options = { cwd: ROOT, timeout: limitSeconds * 1000, signal };
    const child = execFile("bash", ["-c", command], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ code, stdout, stderr });
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.write(`set -eu\n${script}\n`);
    if (go === undefined) child.stdin?.end();
    else void go.then(() => child.stdin?.end("go\n"));
  });
}

/** Runs a script as root on a machine; undefined if it fails, or does not answer within the time. */
export async function tryOn(
  machine: Machine,
  script: string,
  limitSeconds: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { code, stdout } = await callOn(machine, script, limitSeconds, signal);
  return code === 0 ? stdout : undefined;
}

/** Asks all of them at once; what the quickest one says. A dead machine costs no time. */
export async function firstAnswer(
  machines: readonly Machine[],
  script: string,
  limitSeconds: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const enough = new AbortController();
  const either = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  const asked = machines.map(async (machine) => {
    const answer = await tryOn(machine, script, limitSeconds, either);
    if (answer === undefined) throw new Error(`${machine.name} does not answer`);
    return answer;
  });
  try {
    return await Promise.any(asked);
  } catch {
    return undefined;
  } finally {
    enough.abort();
  }
}

/** Waits, unless `signal` says that there is no more to wait for; that throws its reason. */
export async function waitFor(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}

/** The first core machine that answers: a stack with one machine lost is still one to operate. */
export async function liveManager(machines: readonly Machine[]): Promise<Machine> {
  const core = machines.filter(({ role }) => role === "core");
  const answers = await Promise.all(core.map(async (machine) => await tryOn(machine, "true", 5)));
  const live = core[answers.findIndex((answer) => answer !== undefined)];
  if (live !== undefined) return live;
  const names = core.map(({ name }) => name).join(", ");
  throw new Error(
    `no manager answers over SSH within 5 s (asked ${names}): check that they run, and the network`,
  );
}

/** Hands the terminal to a command on a machine, as root; resolves to its exit code. */
export async function handOver({ ssh }: Machine, command: string): Promise<number> {
  const terminal = process.stdin.isTTY && process.stdout.isTTY ? "-t" : "-T";
  const line = `${ssh.replace(/^ssh /, `ssh ${terminal} -o LogLevel=ERROR `)} "$REMOTE"`;
  const child = spawn("bash", ["-c", line], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, REMOTE: asRoot(command) },
  });
  return await exitOf(child);
}

/** What a script on a machine has printed; what it has to say meanwhile goes to the terminal. */
export interface Answer {
  code: number;
  stdout: string;
}

/** The script as one group, which bash parses to its end before it starts: a broken connection runs no half of it. */
const whole = (script: string, args: readonly string[]) =>
  `{\nset -euo pipefail\nset -- ${args.map(quote).join(" ")}\n${script}\nexit 0\n}\n`;

/** Runs a script of several steps as root on a machine, however long it takes. */
export async function runOn(
  { ssh }: Machine,
  script: string,
  args: readonly string[],
): Promise<Answer> {
  const child = spawn("bash", ["-c", `${ssh} "$REMOTE"`], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, REMOTE: asRoot("bash -s") },
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(whole(script, args));
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  const code = await exitOf(child);
  return { code, stdout };
}

/** Writes what `from` has into a new file of root's alone: an open file here, or a file on another machine. */
export async function sendFile(
  from: number | { machine: Machine; path: string },
  to: { machine: Machine; path: string },
): Promise<void> {
  const write = `umask 077; cat > ${quote(to.path)}`;
  const reading = typeof from === "number" ? "" : `${from.machine.ssh} "$READ" |`;
  const child = spawn("bash", ["-o", "pipefail", "-c", `${reading} ${to.machine.ssh} "$WRITE"`], {
    cwd: ROOT,
    stdio: [typeof from === "number" ? from : "ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      WRITE: asRoot(write),
      ...(typeof from !== "number" && { READ: asRoot(`cat ${quote(from.path)}`) }),
    },
  });
  if ((await exitOf(child)) === 0) return;
  await tryOn(to.machine, `rm -f ${quote(to.path)}`, 10);
  throw new Error(`the file could not be sent to ${to.machine.name}: ssh's message stands above`);
}

async function exitOf(child: ChildProcess): Promise<number> {
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve(code ?? 1);
    });
  });
}

/** The core machine whose Postgres is the primary, as Patroni there says. */
export async function primaryMachine(outputs: StackOutputs): Promise<Machine> {
  const core = machinesOf(outputs).filter(({ role }) => role === "core");
  const answers = await Promise.all(
    core.map(async (machine) => {
      const address = outputs.machines[machine.name]?.privateAddress ?? "";
      return await tryOn(
        machine,
        `curl -sf -m 3 -o /dev/null http://${address}:${PORTS.patroni}/primary`,
        8,
      );
    }),
  );
  const primary = core[answers.findIndex((answer) => answer !== undefined)];
  if (primary !== undefined) return primary;
  throw new Error("no machine that answers has a running primary: see ./scripts/trivet status");
}

/** One word of a POSIX shell. */
export const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
