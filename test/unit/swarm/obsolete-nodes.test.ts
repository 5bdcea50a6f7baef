import assert from "node:assert/strict";
import { InvalidArgsError } from "../../../components/core/args-check";
import { ObsoleteNodes } from "../../../components/swarm/obsolete-nodes";
import { hosts, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

describe("ObsoleteNodes", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("are removed by the first manager, who is told of every machine", async () => {
    const [vm1, vm2, vm3, app1] = hosts(4);
    assert.ok(vm1 && vm2 && vm3 && app1);
    new ObsoleteNodes("obsolete", { managers: [vm1, vm2, vm3], workers: [app1], found: "a b" });
    await engine.settled();
    assert.deepEqual(engine.script("obsolete-removed").words, [
      "obsolete",
      ...["vm1", "10.0.0.1", "manager", "here"],
      ...["vm2", "10.0.0.2", "manager", "here"],
      ...["vm3", "10.0.0.3", "manager", "here"],
      ...["vm4", "10.0.0.4", "worker", "here"],
    ]);
    assert.equal(engine.addressOf("obsolete-removed"), "203.0.113.1");
    const { stdin } = engine.get("obsolete-removed").inputs;
    assert.match(String(stdin), /^# a b$/m, "runs again when others are found");
  });

  it("need a number of managers that can decide, each with its own name", () => {
    const two = hosts(2);
    assert.throws(
      () => new ObsoleteNodes("obsolete", { managers: two, found: "" }),
      InvalidArgsError,
    );
    const [vm1] = hosts(1);
    assert.ok(vm1);
    const twice = { managers: [vm1], workers: [vm1], found: "" };
    assert.throws(() => new ObsoleteNodes("obsolete", twice), /managers and workers/);
  });
});
