import { Cluster } from "./cluster";
import type { Bounds, DrillResult } from "./drill";
import { judge, reasonOf } from "./drill";
import type { LabStack } from "./lab-stack";
import { observe } from "./load";

const MACHINES = ["trivet:machines"];

export const GROW = {
  about: "one machine becomes three, with data and under load, on a lab of its own",
  boundSeconds: 10,
} satisfies Bounds & { about: string };

/** Bare machines of which the configuration names the first alone; the others are returned. */
export async function startWithOne(
  stack: LabStack,
  machineCount = 3,
): Promise<Record<string, unknown>> {
  await stack.prepare(machineCount, "local-ha");
  const machines = stack.configured(MACHINES) as Record<string, unknown>;
  const [first = "", ...others] = Object.keys(machines);
  stack.configure(MACHINES, { [first]: machines[first] });
  await stack.up();
  return Object.fromEntries(others.map((name) => [name, machines[name]]));
}

/** Adds machines to the configuration of a running platform under load. */
export async function grow(
  stack: LabStack,
  others: Record<string, unknown>,
  run = 1,
): Promise<DrillResult> {
  const machines = stack.configured(MACHINES) as Record<string, unknown>;
  let redundantAfterSeconds = Number.NaN;
  let unrecovered: string | undefined;
  const observed = await observe(
    await stack.target(),
    { stay: Object.keys(machines) },
    async () => {
      stack.configure(MACHINES, { ...machines, ...others });
      await stack.up();
      const since = Date.now();
      const grown = new Cluster(await stack.target(), stack.name);
      unrecovered = await reasonOf(grown.redundantWithin(300));
      if (unrecovered === undefined) redundantAfterSeconds = (Date.now() - since) / 1000;
    },
  );
  return judge("grow", GROW, run, { observed, details: {}, redundantAfterSeconds }, unrecovered);
}
