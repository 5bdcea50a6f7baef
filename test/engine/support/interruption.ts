/** Ends an engine at work, as people and machines do. Linux only: it looks for processes in /proc. */
import { readdirSync, readFileSync } from "node:fs";
import type { Project, Running } from "./project";

/** Processes of a project's engine, found by the home that they inherit: plugins lead groups of their own. */
export function processesOf({ home }: Project): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => environmentOf(pid).includes(`HOME=${home}`));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    // It has ended, or is somebody else's.
    return [];
  }
}

/** Ends everything of the project's engine at once, as the loss of its machine does. */
export function killAll(project: Project): void {
  for (const pid of processesOf(project)) send(pid, "SIGKILL");
}

/** Ends `pulumi` alone; its plugins find out by themselves. */
export function killEngine({ process: engine }: Running): void {
  engine.kill("SIGKILL");
}

/** Control-C, and again where the first was not quick enough. */
export function interruptTwice({ process: engine }: Running): void {
  engine.kill("SIGINT");
  setTimeout(() => engine.kill("SIGINT"), 500);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
