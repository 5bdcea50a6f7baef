import assert from "node:assert/strict";
import { observe } from "../../scripts/drills/load";
import type { LabStack } from "../../scripts/drills/lab-stack";

const report = (text: string) => process.stdout.write(`      ${text}\n`);

/** Kills while everything is being made for the first time; the next `up` must finish it. */
export async function interruptCreation(stack: LabStack): Promise<void> {
  const afterMs = 15_000 + Math.random() * 50_000;
  const early = await stack.killedUp(afterMs);
  report(
    `the first up was killed after ${(afterMs / 1000).toFixed(0)} s${early ? ": it had ended" : ""}`,
  );
  await stack.recover();
}

/** Two updates that are killed under load, each finished by one more. */
export function interruptionTests(platform: () => { stack: LabStack }): void {
  for (const [kill, level] of ["info", "error"].entries()) {
    it(`finishes an update that was killed under load, and loses nothing (${kill + 1} of 2)`, async () => {
      const { stack } = platform();
      stack.configure(["trivet:services", "web", "env", "LOG_LEVEL"], level);
      stack.configure(["trivet:database", "maxConnections"], 100 + kill);
      stack.configure(["trivet:loadBalancer", "maxBodyMiB"], 40 + kill);
      const seen = await observe(await stack.target(), { stay: ["vm1"] }, async () => {
        const afterMs = 3000 + Math.random() * 17_000;
        const early = await stack.killedUp(afterMs);
        report(`killed after ${(afterMs / 1000).toFixed(1)} s${early ? ": it had ended" : ""}`);
        await stack.recover();
        await stack.up();
      });
      report(JSON.stringify(seen));
      assert.equal(seen.lostRows, 0);
      const { code, output } = await stack.pulumi("preview", "--expect-no-changes");
      assert.equal(code, 0, output);
    });
  }
}
