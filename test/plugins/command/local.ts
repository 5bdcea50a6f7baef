import { type CommandOutput, collect, readRunArgs, type RunArgs } from "./run.js";
import { type ChildProcess, spawn } from "node:child_process";
import { readString, readStrings } from "../lib/read.js";
import { abortReason, type Operation } from "../lib/operation.js";
import { errorCode, errorText, goQuote } from "../lib/go.js";
import { CommandResource } from "./command.js";
import { existsSync } from "node:fs";
import { LOCAL_COMMAND } from "./properties.js";
import type { OutputCollector } from "./output.js";
import type { PropertyMap } from "../lib/values.js";

const DEFAULT_INTERPRETER = ["/bin/sh", "-c"];

export class LocalCommand extends CommandResource {
  constructor() {
    super(LOCAL_COMMAND);
  }

  protected override run(
    command: string,
    inputs: PropertyMap,
    before: CommandOutput,
    operation: Operation,
  ): Promise<CommandOutput> {
    const args = readRunArgs(command, inputs, before);
    const interpreter = readStrings(inputs, "interpreter") ?? [];
    const dir = readString(inputs, "dir") ?? process.cwd();
    return collect(args, operation, async (output, stop) => {
      await runProcess(
        interpreter.length > 0 ? interpreter : DEFAULT_INTERPRETER,
        dir,
        args,
        output,
        stop,
      );
    });
  }
}

async function runProcess(
  interpreter: readonly string[],
  dir: string,
  args: RunArgs,
  output: OutputCollector,
  stop: AbortSignal,
): Promise<void> {
  if (!existsSync(dir)) throw new Error(`chdir ${dir}: no such file or directory`);
  if (stop.aborted) throw abortReason(stop);
  const [program = "", ...rest] = interpreter;
  const child = spawn(program, [...rest, args.command], {
    cwd: dir,
    env: { ...process.env, ...args.environment, ...args.previous },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdout.on("data", (chunk: Buffer) => {
    output.add("stdout", chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output.add("stderr", chunk);
  });
  // A command that does not read its standard input closes it: that is its own business.
  child.stdin.on("error", () => undefined);
  child.stdin.end(args.stdin);
  await ended(child, program, stop);
}

function ended(child: ChildProcess, program: string, stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const kill = () => child.kill("SIGKILL");
    stop.addEventListener("abort", kill);
    const finish = (error: Error | undefined) => {
      stop.removeEventListener("abort", kill);
      if (error === undefined) resolve();
      else reject(error);
    };
    child.once("error", (error) => {
      finish(startError(program, error));
    });
    // A grandchild may hold the pipes open after a kill; do not wait for it then.
    child.once("exit", (code, signal) => {
      if (stop.aborted) finish(stoppedError(stop, code, signal));
    });
    child.once("close", (code, signal) => {
      finish(exitError(code, signal));
    });
  });
}

function startError(program: string, error: Error): Error {
  if (errorCode(error) !== "ENOENT") return new Error(errorText(error));
  if (program.includes("/")) {
    return new Error(`fork/exec ${program}: no such file or directory`);
  }
  return new Error(`exec: ${goQuote(program)}: executable file not found in $PATH`);
}

const SIGNAL_TEXTS: Readonly<Record<string, string>> = {
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGHUP: "hangup",
  SIGILL: "illegal instruction",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGQUIT: "quit",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};

function exitError(code: number | null, signal: NodeJS.Signals | null): Error | undefined {
  if (signal !== null) return new Error(`signal: ${SIGNAL_TEXTS[signal] ?? signal}`);
  return code === 0 ? undefined : new Error(`exit status ${code ?? -1}`);
}

function stoppedError(stop: AbortSignal, code: number | null, signal: NodeJS.Signals | null) {
  return signal === "SIGKILL" || code === 0 ? abortReason(stop) : exitError(code, signal);
}
