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
  dump: {
    nightly: true,
    lastGood: {
      machine: "vm1",
      started: "2030-01-01T02:30:00Z",
      finished: "2030-01-01T02:30:05Z",
      file: "app-20300101T023000Z.dump",
      bytes: 12_345_678,
      copied: true,
      error: null,
    },
    problem: null,
  },
  versions: {
    Postgres: "17.6",
    Patroni: "4.0.7",
    etcd: "3.5.16",
    HAProxy: "3.0.11",
    pgBouncer: "1.24.1",
    Valkey: "8.1.1",
    nginx: "1.30.6",
  },
};
const NOW = new Date("2030-01-01T09:00:00Z");

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
    const full = { ...silent, answers: true, diskUsedPercent: 95 };
    assert.equal(isHealthy({ ...HEALTHY, machines: [full] }), false);
    assert.match(renderStatus({ ...HEALTHY, machines: [full] }, NOW), /95% of disk {2}< FULL/);
    assert.equal(isHealthy({ ...HEALTHY, machines: [{ ...full, diskUsedPercent: 94 }] }), true);
    assert.equal(isHealthy({ ...HEALTHY, services: [] }), false);
    assert.equal(
      isHealthy({ ...HEALTHY, services: [{ name: "web", running: 1, wanted: 2 }] }),
      false,
    );
    assert.equal(isHealthy({ ...HEALTHY, database: [] }), false);
    const dump = { ...HEALTHY.dump, problem: "FAILED on vm1, 5 min ago: too little disk" };
    assert.equal(isHealthy({ ...HEALTHY, dump }), false);
  });

  it("fits on one screen", () => {
    assert.equal(
      renderStatus(HEALTHY, NOW),
      `https://example.org/

machine  role  state    disk         Docker
vm1      core  answers  41% of disk  26.1.5

service  tasks
web      2/2

database  role     state    lag
vm1       primary  running  -

certificate: 396 days left
last dump: 7 h ago, 11.8 MiB, copied, app-20300101T023000Z.dump on vm1
versions: Postgres 17.6, Patroni 4.0.7, etcd 3.5.16, HAProxy 3.0.11
          pgBouncer 1.24.1, Valkey 8.1.1, nginx 1.30.6
`,
    );
  });
});
