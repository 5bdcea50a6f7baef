import { setTimeout as sleep } from "node:timers/promises";
import { platformMemory, totalMiB } from "../stack/memory";
import { Cluster } from "./cluster";
import type { Details, DrillResult } from "./drill";
import { judge } from "./drill";
import { SECOND } from "./fault";
import type { LabStack } from "./lab-stack";
import { observe } from "./load";
import type { MachinesUpdate } from "./machines-update";

/** Bounds: five minutes, half a minute, 900 MB. */
export const BRING_UP: MachinesUpdate = {
  name: "bring-up",
  about:
    "three bare machines become a platform, and an update changes nothing, on a lab of its own",
  boundSeconds: 2,
  httpBoundSeconds: 2,
  failedRequestsBound: 0,
  failedWritesBound: 0,
  limits: { healthySeconds: 300, unchangedSeconds: 30, memoryMiB: 900e6 / 1_048_576 },
};

/** How long the new platform is in use. Seconds. */
const IN_USE_SECONDS = 15;

/** From bare machines to everything there twice; then an update without a change; then some use. */
export async function bringUp(stack: LabStack, run = 1): Promise<DrillResult> {
  await stack.prepare(3, "local-ha");
  const details: Details = {};
  details.healthySeconds = await secondsOf(async () => {
    await stack.up();
    await new Cluster(await stack.target(), stack.name).redundantWithin(300);
  });
  details.unchangedSeconds = await secondsOf(async () => {
    const { code, output } = await stack.pulumi(...["up", "--yes", "--skip-preview"], UNCHANGED);
    if (code !== 0)
      throw new Error(`the second update is to change nothing:\n${output.slice(-6000)}`);
  });
  const target = await stack.target();
  const memory = await platformMemory(target.outputs);
  details.memoryMiB = memory.length === 3 ? Math.max(...memory.map(totalMiB)) : Number.NaN;
  const stay = new Cluster(target, stack.name).names;
  const observed = await observe(target, { stay }, () => sleep(IN_USE_SECONDS * SECOND));
  return judge(BRING_UP.name, BRING_UP, run, { observed, details, redundantAfterSeconds: 0 });
}

const UNCHANGED = "--expect-no-changes";

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const started = Date.now();
  await work();
  return (Date.now() - started) / SECOND;
}
