import { switchover } from "../operator/switchover";
import { Cluster } from "./cluster";
import type { DrillResult } from "./drill";
import type { LabStack } from "./lab-stack";
import { MACHINES, updateMachines, type MachinesUpdate } from "./machines-update";

export const REPLACE: MachinesUpdate = {
  name: "replace",
  about: "a machine that runs, and leads everything, gives way to a new one, on a lab of its own",
  boundSeconds: 10,
  httpBoundSeconds: 3,
  failedRequestsBound: 0,
};

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
  const cluster = new Cluster(await stack.target(), stack.name);
  const leaving = await cluster.swarmLeader();
  if ((await cluster.primary()) !== leaving) {
    await switchover(cluster.target.outputs, { to: leaving, say: () => undefined });
  }
  await cluster.moveEtcdLeader(leaving);
  await cluster.redundantWithin(300);
  const machines = stack.configured(MACHINES) as Record<string, unknown>;
  const others = Object.entries(machines).filter(([each]) => each !== leaving);
  const watched = { stay: cluster.others(leaving), hit: [leaving] };
  const after = Object.fromEntries([...others, [name, machine]]);
  return await updateMachines(stack, REPLACE, watched, after, run);
}
