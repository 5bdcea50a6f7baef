import { switchover } from "../operator/switchover";
import { Cluster } from "./cluster";
import type { Bounds, DrillResult } from "./drill";
import { judge, reasonOf } from "./drill";
import type { LabStack } from "./lab-stack";
import { observe } from "./load";

const MACHINES = ["trivet:machines"];

export const REPLACE = {
  about: "a machine that runs, and leads everything, gives way to a new one, on a lab of its own",
  boundSeconds: 10,
  httpBoundSeconds: 3,
  failedRequestsBound: 0,
} satisfies Bounds & { about: string };

/** Three machines with a platform, and the entry of a fourth that the configuration does not name yet. */
export async function startWithSpare(stack: LabStack): Promise<[name: string, machine: unknown]> {
  await stack.prepare(4, "local-ha");
  const machines = Object.entries(stack.configured(MACHINES) as Record<string, unknown>);
  const spare = machines.pop();
  if (spare === undefined) throw new Error("the lab has no machines");
  stack.configure(MACHINES, Object.fromEntries(machines));
  await stack.up();
  return spare;
}

/** One update under load that has `spare` instead of the machine that leads the Swarm, etcd and Postgres. */
export async function replace(
  stack: LabStack,
  [name, machine]: readonly [name: string, machine: unknown],
  run = 1,
): Promise<DrillResult> {
  const before = new Cluster(await stack.target(), stack.name);
  const leaving = await before.swarmLeader();
  if ((await before.primary()) !== leaving) {
    await switchover(before.target.outputs, { to: leaving, say: () => undefined });
  }
  await before.moveEtcdLeader(leaving);
  await before.redundantWithin(300);
  const machines = stack.configured(MACHINES) as Record<string, unknown>;
  const others = Object.entries(machines).filter(([each]) => each !== leaving);
  let redundantAfterSeconds = Number.NaN;
  let unrecovered: string | undefined;
  const fault = { stay: before.others(leaving), hit: [leaving] };
  const observed = await observe(before.target, fault, async () => {
    stack.configure(MACHINES, Object.fromEntries([...others, [name, machine]]));
    await stack.up();
    const since = Date.now();
    const after = new Cluster(await stack.target(), stack.name);
    unrecovered = await reasonOf(after.redundantWithin(300));
    if (unrecovered === undefined) redundantAfterSeconds = (Date.now() - since) / 1000;
  });
  return judge(
    "replace",
    REPLACE,
    run,
    { observed, details: {}, redundantAfterSeconds },
    unrecovered,
  );
}
