import assert from "node:assert/strict";
import {
  isHealthy,
  parseMembers,
  parseServices,
  renderStatus,
  type Status,
} from "../../../../scripts/operator/status";

const HEALTHY: Status = {
  urls: ["https://example.org/"],
  machines: [{ name: "vm1", role: "core", answers: true, diskUsedPercent: 41, docker: "26.1.5" }],
  services: [{ name: "web", running: 2, wanted: 2 }],
  database: [{ name: "vm1", role: "primary", state: "running", lagBytes: null }],
  certificateDaysLeft: 396,
};

describe("trivet status", () => {
  it("reads what docker service ls prints", () => {
    assert.deepEqual(parseServices("web 1/2\netcd-vm1 1/1\n"), [
      { name: "etcd-vm1", running: 1, wanted: 1 },
      { name: "web", running: 1, wanted: 2 },
    ]);
    assert.deepEqual(parseServices(""), []);
  });

  it("reads Patroni's cluster", () => {
    const members = [
      { name: "vm1", role: "leader", state: "running", timeline: 1 },
      { name: "vm2", role: "quorum_standby", state: "streaming", lag: 512 },
      { name: "vm3", role: "replica", state: "starting", lag: "unknown" },
    ];
    assert.deepEqual(parseMembers(JSON.stringify({ members, scope: "postgres" })), [
      { name: "vm1", role: "primary", state: "running", lagBytes: null },
      { name: "vm2", role: "quorum standby", state: "streaming", lagBytes: 512 },
      { name: "vm3", role: "replica", state: "starting", lagBytes: null },
    ]);
    assert.deepEqual(parseMembers(""), []);
  });

  it("is healthy when everything runs, and not when anything is missing", () => {
    assert.equal(isHealthy(HEALTHY), true);
    const silent = {
      name: "vm2",
      role: "core",
      answers: false,
      diskUsedPercent: null,
      docker: null,
    };
    assert.equal(isHealthy({ ...HEALTHY, machines: [...HEALTHY.machines, silent] }), false);
    assert.equal(isHealthy({ ...HEALTHY, services: [] }), false);
    assert.equal(
      isHealthy({ ...HEALTHY, services: [{ name: "web", running: 1, wanted: 2 }] }),
      false,
    );
    assert.equal(isHealthy({ ...HEALTHY, database: [] }), false);
  });

  it("fits on one screen", () => {
    assert.equal(
      renderStatus(HEALTHY),
      `https://example.org/

machine  role  state    disk         Docker
vm1      core  answers  41% of disk  26.1.5

service  tasks
web      2/2

database  role     state    lag
vm1       primary  running  -

certificate: 396 days left
`,
    );
  });
});
