import { execFile, spawn } from "node:child_process";
import type { StackOutputs } from "../stack/pulumi";
import { ROOT } from "../stack/pulumi";

/** A machine of the stack, and the ssh command that reaches it with its host key verified. */
export interface Machine {
  name: string;
  role: string;
  ssh: string;
}

/** The stack's machines, in the order of the configuration. */
export function machinesOf(outputs: StackOutputs): Machine[] {
  return Object.entries(outputs.machines).map(([name, { role, ssh }]) => ({ name, role, ssh }));
}

/** Runs a script as root on a machine; undefined if the machine does not answer within the time. */
export async function tryOn(
  { ssh }: Machine,
  script: string,
  limitSeconds: number,
): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const command = `${ssh} 'if [ "$(id -u)" = 0 ]; then exec bash -s; else exec sudo -n bash -s; fi'`;
    const options = { cwd: ROOT, timeout: limitSeconds * 1000 };
    const child = execFile("bash", ["-c", command], options, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(`set -eu\n${script}\n`);
  });
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
  const asRoot = `if [ "$(id -u)" = 0 ]; then exec bash -c "$0"; else exec sudo -n bash -c "$0"; fi`;
  const line = `${ssh.replace(/^ssh /, `ssh ${terminal} `)} "$REMOTE"`;
  const child = spawn("bash", ["-c", line], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, REMOTE: `bash -c ${quote(asRoot)} ${quote(command)}` },
  });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      resolve(code ?? 1);
    });
  });
}

/** One word of a POSIX shell. */
export const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
