import type { DrillResult } from "./drill";
import type { LabStack } from "./lab-stack";
import { MACHINES, updateMachines, type MachinesUpdate } from "./machines-update";

export const GROW: MachinesUpdate = {
  name: "grow",
  about: "one machine becomes three, with data and under load, on a lab of its own",
  boundSeconds: 10,
};

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
  const watched = { stay: Object.keys(machines) };
  return await updateMachines(stack, GROW, watched, { ...machines, ...others }, run);
}
