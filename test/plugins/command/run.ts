/** What running a command locally and remotely have in common. */
import { errorText, goQuote } from "../lib/go.js";
import { isMap, type PropertyMap, reveal } from "../lib/values.js";
import { type Logging, OutputCollector, parseLogging } from "./output.js";
import { readBoolean, readString, readStringMap } from "../lib/read.js";
import type { Operation } from "../lib/operation.js";

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunArgs {
  readonly command: string;
  readonly stdin: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What the create or update before wrote, for the environment; empty texts are not passed. */
  readonly previous: Readonly<Record<string, string>>;
  readonly logging: Logging;
}

export function readRunArgs(command: string, inputs: PropertyMap, before: CommandOutput): RunArgs {
  const passPrevious = readBoolean(inputs, "addPreviousOutputInEnv") ?? true;
  const previous = {
    PULUMI_COMMAND_STDOUT: before.stdout,
    PULUMI_COMMAND_STDERR: before.stderr,
  };
  return {
    command,
    stdin: readString(inputs, "stdin") ?? "",
    environment: readStringMap(inputs, "environment") ?? {},
    previous: passPrevious
      ? Object.fromEntries(Object.entries(previous).filter(([, text]) => text !== ""))
      : {},
    logging: parseLogging(readString(inputs, "logging")),
  };
}

export function readOutput(state: PropertyMap): CommandOutput {
  return {
    stdout: readString(state, "stdout") ?? "",
    stderr: readString(state, "stderr") ?? "",
  };
}

/**
 * Collects the output of one run. A failure is reported in the official plugin's shape: what
 * happened, the command, and everything it wrote.
 */
export async function collect(
  args: RunArgs,
  operation: Operation,
  run: (output: OutputCollector, stop: AbortSignal) => Promise<void>,
): Promise<CommandOutput> {
  const tooLong = new AbortController();
  const stop = AbortSignal.any([operation.signal, tooLong.signal]);
  const output = new OutputCollector(args.logging, operation.log, (error) => {
    tooLong.abort(error);
  });
  try {
    await run(output, stop);
  } catch (error) {
    const reason = `${errorText(error)}: running ${goQuote(args.command)}:\n${output.combined()}`;
    throw new Error(reason, { cause: error });
  } finally {
    output.finish();
  }
  return { stdout: output.text("stdout"), stderr: output.text("stderr") };
}

/** The map behind a property that may be wrapped as a secret. */
export function revealMap(map: PropertyMap, key: string): PropertyMap {
  const value = reveal(map[key]);
  if (!isMap(value)) throw new Error(`property ${key} must be a map`);
  return value;
}
