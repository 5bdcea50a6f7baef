import { readdirSync } from "node:fs";
import { join } from "node:path";
import Mocha from "mocha";
import type { Counts } from "./counts";

/** Enough of what a failed test says to know why where nothing but the end of a run is kept. */
const REASON_CHARACTERS = 3000;

const TESTS = join(__dirname, "..", "..", "test");

/** Runs every test file below `test/<folder>`, in the order of their names. */
export async function runMocha(
  folder: string,
  { timeoutSeconds }: { timeoutSeconds: number },
): Promise<Counts> {
  const files = readdirSync(join(TESTS, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts"))
    .sort();
  // Under CI one line a file: a thousand lines of ticks hide what failed.
  const reporter = process.env.CI === undefined || folder !== "unit" ? "spec" : "dot";
  const mocha = new Mocha({ timeout: timeoutSeconds * 1000, reporter });
  // A test that somebody focused would silently leave out all others.
  mocha.forbidOnly();
  for (const file of files) mocha.addFile(join(TESTS, folder, file));
  return await new Promise((resolve) => {
    const failures: string[] = [];
    const runner = mocha.run((failed) => {
      const { passes, pending } = runner.stats ?? { passes: 0, pending: 0 };
      resolve({ passed: passes, failed, skipped: pending, failures });
    });
    runner.on("fail", (test, error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(`${test.fullTitle()}: ${reason.slice(0, REASON_CHARACTERS)}`);
    });
  });
}
