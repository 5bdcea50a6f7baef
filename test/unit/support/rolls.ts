import assert from "node:assert/strict";
import type { Recorder } from "./recorder";

/** Of a service on vm1, vm2 and vm3 no two are replaced at a time. */
export function assertRolls(engine: Recorder, service: string): void {
  const waits = (machine: string) =>
    engine
      .get(`${service}-${machine}`)
      .dependsOn.filter((name) => new RegExp(`^${service}-vm\\d$`).test(name));
  assert.deepEqual(waits("vm1"), []);
  assert.deepEqual(waits("vm2"), [`${service}-vm1`]);
  assert.deepEqual(waits("vm3"), [`${service}-vm2`]);
}
