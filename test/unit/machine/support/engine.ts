import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../../../components/core/host";

/** A resource as the mocks saw it. */
export interface Made {
  readonly name: string;
  /** Arguments of its script, as the shell reads them. */
  readonly args: string;
  /** Resources that were finished when this one was asked for. */
  readonly after: readonly string[];
}

/** Records every resource; `stdout` says what a command prints. A call without a mock throws. */
export class Recorder {
  readonly made: Made[] = [];
  private readonly finished: string[] = [];

  constructor(private readonly stdout: string) {}

  async install(): Promise<void> {
    this.made.length = 0;
    this.finished.length = 0;
    await pulumi.runtime.setMocks({
      newResource: (args) => this.record(args.name, Object.entries(args.inputs as object)),
      call: (args) => {
        throw new Error(`no mock for ${args.token}`);
      },
    });
  }

  /** Takes a moment, so that what does not wait is asked for before. */
  private async record(name: string, inputs: readonly [string, unknown][]) {
    const state = Object.fromEntries(inputs);
    const input = typeof state.stdin === "string" ? state.stdin : "";
    this.made.push({ name, args: argsOf(input), after: [...this.finished] });
    await setTimeout(10);
    this.finished.push(name);
    return { id: name, state: { ...state, stdout: this.stdout } };
  }

  names(): string[] {
    return this.made.map((resource) => resource.name).sort();
  }

  get(name: string): Made {
    const found = this.made.find((resource) => resource.name === name);
    if (found === undefined)
      throw new Error(`${name} was not made, only ${this.names().join(", ")}`);
    return found;
  }
}

/** What stands between the two lines that every script of a machine begins with. */
function argsOf(input: string): string {
  return /\nset -- (.*?)\n# What the machine's scripts share/s.exec(input)?.[1] ?? "";
}

export function host(name: string, lastByte: number): Host {
  return {
    name,
    connection: { host: `203.0.113.${lastByte}` },
    publicAddress: `203.0.113.${lastByte}`,
    privateAddress: `10.0.0.${lastByte}`,
    docker: { host: `ssh://root@203.0.113.${lastByte}:22`, sshOpts: [] },
  };
}

export function valueOf<T>(output: pulumi.Output<T> | undefined): Promise<T> {
  if (output === undefined) return Promise.reject(new Error("there is no such output"));
  return new Promise((resolve) => output.apply(resolve));
}

/** What an assertion of bad arguments compares: the message without its first line. */
export function problemsOf(make: () => unknown): string[] {
  try {
    make();
  } catch (error) {
    if (!(error instanceof pulumi.RunError)) throw error;
    return error.message.split("\n").slice(1);
  }
  return [];
}
