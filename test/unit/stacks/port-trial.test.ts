import assert from "node:assert/strict";
import { isPortTrialDue } from "../../../stacks/reachable";
import { machine, parsed } from "./config/fixture";
import { OTHER_KEY, was } from "./previous";

describe("machines try each other's ports", () => {
  const THREE = { vm1: machine(1), vm2: machine(2), vm3: machine(3) };
  const config = parsed({ machines: THREE });
  const earlier = was(1, 2, 3);

  it("until an update with all of them has come to its end", () => {
    assert.equal(isPortTrialDue(config, undefined), true);
    assert.equal(isPortTrialDue(config, was(1)), true);
    assert.equal(isPortTrialDue(config, earlier), false);
  });

  it("when one is another machine now, or gets another role", () => {
    const changes = [
      { ...machine(3), privateAddress: "10.0.0.33" },
      { ...machine(3), hostKey: OTHER_KEY },
    ];
    for (const vm3 of changes) {
      const changed = parsed({ machines: { ...THREE, vm3 } });
      assert.equal(isPortTrialDue(changed, earlier), true);
    }
    const { vm3 } = earlier.machines;
    assert.ok(vm3 !== undefined);
    const machines = { ...earlier.machines, vm3: { ...vm3, role: "app" } };
    assert.equal(isPortTrialDue(config, { ...earlier, machines }), true);
  });

  it("no more where none is new, also when one has gone", () => {
    assert.equal(isPortTrialDue(parsed({ machines: { vm1: machine(1) } }), earlier), false);
  });
});
