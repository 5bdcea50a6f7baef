import { runChecks } from "./checks";
import { runMocha } from "./mocha";
import { labCannotRun } from "./lab";
import type { Counts } from "./counts";
import { add, NONE } from "./counts";

const RUNGS: Readonly<Record<string, () => Promise<Counts>>> = {
  unit: async () => add(await runChecks(), await runMocha("unit", { timeoutSeconds: 20 })),
  engine: async () => await runMocha("engine", { timeoutSeconds: 300 }),
  lab: runLab,
};

async function runLab(): Promise<Counts> {
  const reason = await labCannotRun();
  if (reason === undefined) return await runMocha("lab", { timeoutSeconds: 900 });
  process.stdout.write(`\nThe lab rung is SKIPPED: ${reason}\n`);
  return { ...NONE, skipped: 1 };
}

/** Runs the rungs and prints what came of them. True if all is well. */
async function main(names: readonly string[]): Promise<boolean> {
  let sum = NONE;
  const times: string[] = [];
  for (const name of names.length > 0 ? names : Object.keys(RUNGS)) {
    const started = Date.now();
    process.stdout.write(`\n== ${name} ==\n`);
    sum = add(sum, (await RUNGS[name]?.()) ?? NONE);
    times.push(`${name} ${Math.round((Date.now() - started) / 1000)} s`);
  }
  // A thousand lines up, nobody finds them.
  for (const failure of sum.failures) process.stdout.write(`\nfailed: ${failure}`);
  const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : "";
  process.stdout.write(
    `\ntime: ${times.join(", ")}\n${sum.passed} passed, ${sum.failed} failed${skipped}\n`,
  );
  // A run in which nothing was tested has shown nothing.
  return sum.failed === 0 && sum.passed > 0;
}

main(process.argv.slice(2)).then(
  // At once: whatever a test has left open would keep everybody waiting.
  (isWell) => process.exit(isWell ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(
      `test: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
