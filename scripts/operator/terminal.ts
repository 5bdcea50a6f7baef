import { createInterface } from "node:readline/promises";

/** Asks on the terminal before what users will notice; throws where there is none. */
export async function confirmed(command: string, text: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Error(`${text} ${command} asks first: without a terminal give --yes`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // In a question Ctrl-C is a key, and no signal.
  const stop = new AbortController();
  terminal.once("SIGINT", () => {
    stop.abort();
  });
  const question = terminal.question(`${text} Go on? [y/N] `, { signal: stop.signal });
  const answer = await question.catch(() => "no");
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Ends with the first Ctrl-C, so that what has begun can be put right; the second one ends the program. */
export function interruptible(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      process.stderr.write("trivet: interrupted, putting things right; once more ends at once\n");
      controller.abort(new Error("interrupted"));
    });
  }
  return controller.signal;
}
