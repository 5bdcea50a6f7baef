import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { isLeftOut, leadOf, onHost } from "../../../components/core/host";
import { awayHost, host, hosts, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

describe("the lead of some machines", () => {
  /** The lead's name, of machines called vm1, vm2, … */
  const lead = (...states: ("there" | "new" | "away" | "new and away")[]) =>
    leadOf(
      states.map((state, i) => {
        const plain = { ...host(`vm${i + 1}`, i + 1), isNew: state.startsWith("new") };
        return state.endsWith("away") ? awayHost(plain) : plain;
      }),
    ).name;

  it("is the first that can be reached and was there before", () => {
    assert.equal(lead("there", "there", "there"), "vm1");
    assert.equal(lead("away", "there", "there"), "vm2");
    assert.equal(lead("new", "there", "there"), "vm2");
    assert.equal(lead("new", "away", "there"), "vm3");
    assert.equal(leadOf(hosts(3)).name, "vm1");
  });

  it("is none that was being sent away, unless all were", () => {
    const detached = (name: string, i: number) => ({ ...host(name, i), isDetached: true });
    const fresh = { ...host("vm2", 2), isNew: true };
    assert.equal(leadOf([detached("vm1", 1), fresh, host("vm3", 3)]).name, "vm3");
    assert.equal(leadOf([fresh, detached("vm1", 1)]).name, "vm1");
  });

  it("is a new one where no other can be reached", () => {
    assert.equal(lead("new", "new", "new"), "vm1");
    assert.equal(lead("away", "new", "new"), "vm2");
    assert.equal(lead("new and away", "away", "new"), "vm3");
  });

  it("is the first where none can be reached, for what is known of it to be kept", () => {
    assert.equal(lead("away", "away", "away"), "vm1");
  });

  it("is needed", () => {
    assert.throws(() => leadOf([]));
  });
});

describe("what is left out", () => {
  const type = "command:remote:Command";

  it("is what a machine that is away has never had", () => {
    const vm1 = awayHost(host("vm1", 1), `${type}::kernel-vm1-sysctl`);
    assert.ok(!isLeftOut(vm1, type, "kernel-vm1-sysctl"));
    assert.ok(isLeftOut(vm1, type, "kernel-vm1"));
    assert.ok(isLeftOut(vm1, "command:local:Command", "kernel-vm1-sysctl"));
  });

  it("is nothing of a machine that is there", () => {
    assert.ok(!isLeftOut(host("vm1", 1), type, "any"));
    assert.ok(!isLeftOut({ ...host("vm1", 1), isNew: true }, type, "any"));
  });
});

describe("options of what lives on a machine", () => {
  it("keep it as it is while the machine is away", async () => {
    await new Recorder(PLATFORM_OUTPUTS).install();
    const parent = new pulumi.ComponentResource("test:Parent", "parent");
    assert.deepEqual(onHost(awayHost(host("vm1", 1)), parent).ignoreChanges, ["*"]);
    assert.ok(!("ignoreChanges" in onHost(host("vm1", 1), parent)));
  });
});
