import * as pulumi from "@pulumi/pulumi";

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

/** Messages of what fails while resources are made, once arguments are known. */
export async function failuresOf(make: () => unknown, settled: () => Promise<void>) {
  const listeners = process.listeners("unhandledRejection");
  const failures = new Set<string>();
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (reason) => {
    failures.add(reason instanceof Error ? reason.message : String(reason));
  });
  try {
    make();
    await settled().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    process.removeAllListeners("unhandledRejection");
    for (const listener of listeners) process.on("unhandledRejection", listener);
  }
  return [...failures];
}
