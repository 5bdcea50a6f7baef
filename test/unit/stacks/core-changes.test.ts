import assert from "node:assert/strict";
import { coreOf, refusedChanges, stayedCore, type Previous } from "../../../stacks/transitions";
import { machine, parsed } from "./config/fixture";
import { OTHER_KEY, was } from "./previous";
import { THREE } from "./program";

const core = { vm1: THREE.vm1, vm2: THREE.vm2, vm3: THREE.vm3 };

describe("core machines of the last update", () => {
  it("stay with their place, their key and their role", () => {
    const { machines } = parsed({
      machines: { ...core, vm2: machine(9), vm3: { ...machine(3), hostKey: OTHER_KEY } },
    });
    assert.deepEqual(stayedCore(was(1, 2, 3), { machines }), ["vm1"]);
    assert.deepEqual(coreOf(parsed({ machines: THREE }).machines), ["vm1", "vm2", "vm3"]);
  });
});

describe("configurations that leave too few of the core machines", () => {
  const told = (machines: object, previous: Previous) =>
    refusedChanges(previous, parsed({ machines })).map((line) => line.replace(/\. Set it .*$/, ""));
  const few = (stay: number, were: number) =>
    `and the ${stay} of ${were} core machines that would stay are too few to decide anything`;

  it("are refused, and what to do is said: from three to one", () => {
    assert.deepEqual(told({ vm1: machine(1) }, was(1, 2, 3)), [
      `trivet:machines.vm2: was removed, ${few(1, 3)}`,
      `trivet:machines.vm3: was removed, ${few(1, 3)}`,
    ]);
    const [line = ""] = refusedChanges(was(1, 2, 3), parsed({ machines: { vm1: machine(1) } }));
    assert.ok(
      line.includes(
        ". Set it back, and change fewer than half of them in one update; or, to have fewer machines than that leaves, make a dump (./scripts/trivet dump), remove the stack's state",
      ),
      line,
    );
  });
  it("are refused: two of three made anew, or elsewhere; and the one that stays is not named", () => {
    const anew = { ...machine(3), hostKey: OTHER_KEY };
    assert.deepEqual(told({ ...core, vm2: machine(9), vm3: anew }, was(1, 2, 3)), [
      `trivet:machines.vm2.privateAddress: was 10.0.0.2 and is another one, ${few(1, 3)}`,
      `trivet:machines.vm3.hostKey: is another one, so that machine was made anew, ${few(1, 3)}`,
    ]);
  });
  it("are not: two of five fewer", () => {
    assert.deepEqual(told(core, was(1, 2, 3, 4, 5)), []);
  });
});
