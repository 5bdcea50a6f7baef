import assert from "node:assert/strict";
import { parseMemory, totalMiB } from "../../../../scripts/stack/memory";

const MIB = 1_048_576;

describe("memory of the platform", () => {
  it("adds up what one name uses, in any unit", () => {
    const text = [
      "etcd-vm1 23.5MiB / 4GiB",
      "postgres-vm1 1.5GiB / 4GiB",
      "router-vm1 512KiB / 4GiB",
      "nginx-vm1 100B / 4GiB",
      "containerd-shims 1024KiB",
      "containerd-shims 2048KiB",
      "",
    ].join("\n");
    assert.deepEqual(parseMemory(text), [
      { name: "etcd-vm1", bytes: 23.5 * MIB },
      { name: "postgres-vm1", bytes: 1536 * MIB },
      { name: "router-vm1", bytes: MIB / 2 },
      { name: "nginx-vm1", bytes: 100 },
      { name: "containerd-shims", bytes: 3 * MIB },
    ]);
  });

  it("leaves out what is no measurement", () => {
    assert.deepEqual(parseMemory(""), []);
    assert.deepEqual(parseMemory("motd of the day\nweb -- / --\nx 5MB\n 5MiB\n"), []);
  });

  it("has one figure for a machine", () => {
    const uses = parseMemory("a 10.4MiB / 1GiB\nb 0.2GiB / 1GiB\n");
    assert.equal(totalMiB({ machine: "vm1", uses }), 215);
    assert.equal(totalMiB({ machine: "vm1", uses: [] }), 0);
  });
});
