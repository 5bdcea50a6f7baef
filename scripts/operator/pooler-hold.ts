import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Interface } from "node:readline";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../stack/pulumi";
import { asRoot, quote } from "./machines";

/** Longest time that a pooler stays paused: it goes on by itself then, whatever became of us. */
const HOLD_SECONDS = 20;
/** What open transactions may take to end. */
export const DRAIN_SECONDS = 5;
/** For ssh, docker exec and the guard's own turn to end, beside the drain. */
export const START_SECONDS = 10;
/** From the end of a hold until its pooler goes on: its HAProxy must know the new primary. */
const RESUME_SECONDS = HOLD_SECONDS + 10;
/** Exit code for transactions that did not end. */
const BUSY = 3;

const guardOf = (machine: string) => `label=com.docker.swarm.service.name=pooler-guard-${machine}`;

/** Shell that prints a word for a machine's guard: its container, or nothing. */
export const findGuard = (machine: string) =>
  `docker ps -q --filter ${guardOf(machine)} | head -n 1`;

/**
 * The pooler of one machine, which lets queries wait from {@link pause} on. The program on the machine
 * resumes it once another member than `before` is the primary, or at the end of its input: when {@link release} is called,
 * when this program dies, when the connection breaks, and in any case after a while.
 */
export class PoolerHold {
  /** When queries began to wait, and when they went on. Milliseconds of `performance.now()`. */
  pausedAt: number | undefined;
  resumedAt: number | undefined;
  /** It went on without the primary that was waited for. */
  late = false;
  /** Why it could not pause; undefined once it can. */
  readonly ready: Promise<string | undefined>;
  /** Why queries do not wait; undefined once they do. */
  readonly paused: Promise<string | undefined>;
  private readonly child: ChildProcess;
  private readonly closed: Promise<unknown>;
  private complaint = "";

  constructor(
    readonly machine: string,
    ssh: string,
    guard: string,
    before: string,
    signal?: AbortSignal,
  ) {
    const command = `exec docker exec -i ${quote(guard)} python3 /etc/trivet/pooler-guard.py hold --ready --after ${quote(before)} --seconds ${HOLD_SECONDS} --drain-seconds ${DRAIN_SECONDS}`;
    // A process group of its own: Ctrl-C is for us alone, who then end the input in an orderly way.
    this.child = spawn("bash", ["-c", `${ssh} "$REMOTE"`], {
      cwd: ROOT,
      detached: true,
      stdio: "pipe",
      env: { ...process.env, REMOTE: asRoot(command) },
    });
    this.child.stdin?.on("error", () => undefined);
    this.child.stderr?.on("data", (chunk: Buffer) => (this.complaint += chunk.toString()));
    this.closed = once(this.child, "close").catch(() => undefined);
    const input = this.child.stdout && createInterface({ input: this.child.stdout });
    this.ready = this.said(input, "ready", START_SECONDS, signal);
    this.paused = this.said(input, "paused", DRAIN_SECONDS + START_SECONDS, signal);
    input?.on("line", (line) => {
      this.hear(line.trim());
    });
  }

  private hear(word: string): void {
    if (word === "paused") this.pausedAt ??= performance.now();
    else if (word === "resumed") this.resumedAt ??= performance.now();
    else if (word === "late") this.late = true;
    else if (word !== "ready") this.complaint += `${word}\n`;
  }

  /** Resolves to undefined once the program has said a word, or to the reason why it will not. */
  private async said(
    input: Interface | null,
    word: string,
    limitSeconds: number,
    signal?: AbortSignal,
  ): Promise<string | undefined> {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(`has not paused its pooler within ${limitSeconds} s`);
      }, limitSeconds * 1000);
      const interrupt = () => {
        resolve("was interrupted");
      };
      signal?.addEventListener("abort", interrupt, { once: true });
      const end = (reason?: string) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", interrupt);
        resolve(reason);
      };
      input?.on("line", (line) => {
        if (line.trim() === word) end();
      });
      void this.closed.then(() => {
        end(
          this.child.exitCode === BUSY
            ? `still has open transactions after ${DRAIN_SECONDS} s`
            : `could not pause its pooler: ${this.complaint.trim().split("\n").at(-1) ?? ""}`,
        );
      });
    });
  }

  /** Lets queries wait from now on. */
  pause(): void {
    this.child.stdin?.write("go\n");
  }

  /** Lets the queries go on as soon as they can. */
  release(): void {
    this.child.stdin?.end();
  }

  /** Waits for the end; what the operator should know of it, if anything. */
  async ended(): Promise<string | undefined> {
    const late = new AbortController();
    const limit = sleep(RESUME_SECONDS * 1000, undefined, { signal: late.signal });
    await Promise.race([this.closed, limit.catch(() => undefined)]);
    late.abort();
    this.child.kill();
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    return this.pausedAt === undefined || this.resumedAt !== undefined
      ? undefined
      : `${this.machine} has not said that its pooler went on: see ./scripts/trivet status`;
  }
}

/** Pauses all at the same moment. The first reason why one of them does not; undefined once all do. */
export async function pauseAll(holds: readonly PoolerHold[]): Promise<string | undefined> {
  const unready = await firstReason(holds, ({ ready }) => ready);
  if (unready !== undefined) return unready;
  for (const hold of holds) hold.pause();
  return await firstReason(holds, ({ paused }) => paused);
}

async function firstReason(
  holds: readonly PoolerHold[],
  outcome: (hold: PoolerHold) => Promise<string | undefined>,
): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const all = holds.map(async (hold) => {
      const reason = await outcome(hold);
      if (reason !== undefined) resolve(`${hold.machine} ${reason}`);
    });
    void Promise.all(all).then(() => {
      resolve(undefined);
    });
  });
}

/** Lets every pooler go on, and waits until they do. */
export async function releaseAll(holds: readonly PoolerHold[]): Promise<string[]> {
  for (const hold of holds) hold.release();
  const said = await Promise.all(holds.map((hold) => hold.ended()));
  return said.filter((line) => line !== undefined);
}
