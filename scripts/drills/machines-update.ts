import { Cluster } from "./cluster";
import type { Bounds, DrillResult } from "./drill";
import { judge, reasonOf } from "./drill";
import type { LabStack } from "./lab-stack";
import { observe, type Watched } from "./load";

/** Where a stack's configuration names its machines. */
export const MACHINES = ["trivet:machines"];

/** A drill that is one update of the machines, on a lab of its own. */
export interface MachinesUpdate extends Bounds {
  name: string;
  about: string;
}

/** One update under load that gives the platform `machines`, and whether it is redundant afterwards. */
export async function updateMachines(
  stack: LabStack,
  drill: MachinesUpdate,
  watched: Watched,
  machines: Readonly<Record<string, unknown>>,
  run: number,
): Promise<DrillResult> {
  let redundantAfterSeconds = Number.NaN;
  let unrecovered: string | undefined;
  const observed = await observe(await stack.target(), watched, async () => {
    stack.configure(MACHINES, machines);
    await stack.up();
    const since = Date.now();
    const cluster = new Cluster(await stack.target(), stack.name);
    unrecovered = await reasonOf(cluster.redundantWithin(300));
    if (unrecovered === undefined) redundantAfterSeconds = (Date.now() - since) / 1000;
  });
  return judge(
    drill.name,
    drill,
    run,
    { observed, details: {}, redundantAfterSeconds },
    unrecovered,
  );
}
