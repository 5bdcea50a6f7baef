import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import {
  MACHINE_NEEDS_DEFAULTS,
  MachineFacts,
  parseFacts,
} from "../../../components/machine/machine-facts";
import { documentedDefaults } from "../support/documented-defaults";
import { problemsOf, valueOf } from "../support/outputs";
import { FACTS, host, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

describe("MachineFacts", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("measures each machine, named by it", async () => {
    const hosts = [host("vm1", 1), host("vm2", 2)];
    const { facts } = new MachineFacts("platform", { hosts });
    assert.deepEqual(Object.keys(facts), ["vm1", "vm2"]);
    assert.deepEqual(await valueOf(facts.vm1), FACTS);
    assert.deepEqual(await valueOf(facts.vm2), FACTS);
    assert.deepEqual(engine.names(), ["platform", "platform-vm1-facts", "platform-vm2-facts"]);
    assert.equal(engine.script("platform-vm1-facts").args, "vm1 1800 5000 10.0.0.1 ''");
  });

  it("measures again when the generation changes", async () => {
    const hosts = [host("vm1", 1)];
    await valueOf(
      new MachineFacts("p", { hosts, generation: "a $(b)", minDiskMiB: 100 }).facts.vm1,
    );
    assert.equal(engine.script("p-vm1-facts").args, "vm1 1800 100 10.0.0.1 'a $(b)'");
  });

  it("has the defaults that its documentation names", () => {
    const documented = documentedDefaults("components/machine/machine-facts.ts", "MachineNeeds");
    assert.deepEqual(MACHINE_NEEDS_DEFAULTS, documented);
  });

  it("reports all bad arguments at once", () => {
    const twice = [host("vm1", 1), host("vm1", 2), host("VM3", 3)];
    const make = () => new MachineFacts("p", { hosts: twice, minMemoryMiB: 1, minDiskMiB: 0.5 });
    assert.deepEqual(problemsOf(make), [
      '  - hosts[2].name: is "VM3", must be 1 to 63 lower-case letters, digits or hyphens, starting with a letter',
      "  - hosts: repeats vm1",
      "  - minMemoryMiB: is 1, must be a whole number from 256 to 1048576",
      "  - minDiskMiB: is 0.5, must be a whole number from 100 to 1073741824",
    ]);
    assert.deepEqual(
      problemsOf(() => new MachineFacts("p", { hosts: [] })),
      ["  - hosts: is empty, needs at least one entry"],
    );
    assert.deepEqual(engine.made, []);
  });

  it("refuses what is not the measurement, and names the machine", () => {
    const bad = [
      "",
      "motd\n{}",
      "{}",
      JSON.stringify({ ...FACTS, cores: 0 }),
      JSON.stringify([FACTS]),
    ];
    for (const text of bad) {
      assert.throws(
        () => parseFacts("vm1", text),
        (error) =>
          error instanceof pulumi.RunError && error.message.startsWith("vm1: the measurement"),
      );
    }
  });
});
