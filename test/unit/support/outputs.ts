import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import * as debuggable from "@pulumi/pulumi/runtime/debuggable";

/** The value of an output, once it is known; rejects if it has none. */
export async function valueOf<T>(output: pulumi.Output<T> | undefined): Promise<T> {
  if (output === undefined) throw new Error("there is no such output");
  return await new Promise((resolve) => output.apply(resolve));
}

/** What an assertion of bad arguments compares: the message without its first line. */
export function problemsOf(make: () => unknown): string[] {
  try {
    make();
  } catch (error) {
    if (!pulumi.RunError.isInstance(error)) throw error;
    return error.message.split("\n").slice(1);
  }
  return [];
}

/** Messages of what fails while resources are made, once arguments are known; none if nothing does. */
export async function failuresOf(make: () => unknown): Promise<string[]> {
  const listeners = process.listeners("unhandledRejection");
  const failures = new Set<string>();
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => {
    failures.add(reason instanceof Error ? reason.message : String(reason));
  });
  try {
    make();
    // What waits for the failed one never ends, so there is nothing to wait for.
    await setTimeout(300);
  } finally {
    process.removeAllListeners("unhandledRejection");
    for (const listener of listeners) process.on("unhandledRejection", listener);
    forgetPromises();
  }
  return [...failures];
}

/** Promises that can never end any more would make Pulumi end this process with an error. */
function forgetPromises(): void {
  const forget: unknown = Reflect.get(debuggable, "leakedPromises");
  if (typeof forget !== "function") throw new Error("Pulumi's runtime has no leakedPromises");
  Reflect.apply(forget, undefined, []);
}
