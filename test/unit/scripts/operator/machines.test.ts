import assert from "node:assert/strict";
import { machinesOf } from "../../../../scripts/operator/machines";

const stackOf = (ssh: string) => ({
  machines: { vm1: { role: "core", address: "10.0.0.1", privateAddress: "10.0.0.1", ssh } },
});

describe("the machines of a stack", () => {
  it("are those of its outputs", () => {
    assert.deepEqual(machinesOf(stackOf("ssh vm1")), [
      { name: "vm1", role: "core", ssh: "ssh vm1" },
    ]);
  });

  it("are not asked from a folder that has not what ssh needs, which is said with what writes it", () => {
    const ssh = "ssh -F none -o 'UserKnownHostsFile=.trivet/ssh/no such stack/vm1/known_hosts' vm1";
    assert.throws(
      () => machinesOf(stackOf(ssh)),
      /^Error: \.trivet\/ssh\/no such stack\/vm1\/known_hosts is not in this folder: .*run pulumi preview of this stack here once/,
    );
  });
});
