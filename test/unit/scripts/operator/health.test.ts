import assert from "node:assert/strict";
import { judgeRedundancy, redundantWithin } from "../../../../scripts/operator/health";
import { FakeMachines } from "./fake-machines";

const WANTED = { members: 3, nodes: 4 };
const MEMBERS = [
  { name: "vm1", role: "leader", state: "running" },
  { name: "vm2", role: "quorum_standby", state: "streaming", lag: 0 },
  { name: "vm3", role: "replica", state: "streaming", lag: 0 },
];
const text = (members: unknown = MEMBERS) => `node vm1 Ready Active Leader
node vm2 Ready Active Reachable
node vm3 Ready Active Reachable
node app1 Ready Active 
web 3/3
nginx-vm1 1/1
cluster ${JSON.stringify({ members })}
etcd voter
etcd voter
etcd voter
valkey slave 0
valkey master 2
valkey slave 0
`;
const missing = (said: string | undefined) => judgeRedundancy(said, WANTED).missing;

describe("redundancy", () => {
  it("is there when every service, member and node is", () => {
    const redundant = { ok: true, missing: [], primary: "vm1" };
    assert.deepEqual(judgeRedundancy(text(), WANTED), redundant);
  });

  it("names what is missing", () => {
    assert.deepEqual(missing(text().replace("web 3/3", "web 2/3")), ["web 2/3"]);
    assert.deepEqual(missing(text().replace("vm3 Ready", "vm3 Down")), ["node vm3 is down"]);
    assert.deepEqual(
      missing(text().replace("vm2 Ready Active Reachable", "vm2 Ready Active Unreachable")),
      ["manager vm2 is unreachable"],
    );
    assert.deepEqual(missing(text().replace("node app1 Ready Active \n", "")), [
      "3 of 4 nodes of the Swarm",
    ]);
    assert.match(
      missing(text().replace("vm2 Ready Active", "vm2 Ready Drain")).join("\n"),
      /^node vm2 takes no tasks \(docker node update --availability active vm2 changes that\)$/,
    );
    assert.deepEqual(missing(text(MEMBERS.slice(0, 2))), ["2 of 3 members of Postgres"]);
    assert.deepEqual(
      missing(text([...MEMBERS.slice(0, 2), { ...MEMBERS[2], state: "starting" }])),
      ["vm3 is starting"],
    );
    assert.deepEqual(missing(text(MEMBERS.map((each) => ({ ...each, role: "replica" })))), [
      "vm1 is running",
      "no primary",
    ]);
  });

  it("names members that are there and do not take part", () => {
    assert.deepEqual(missing(text().replace("etcd voter", "etcd learner")), [
      "2 of 3 voting members of etcd",
      "a member of etcd has no vote",
    ]);
    assert.deepEqual(missing(`${text()}etcd learner\n`), ["a member of etcd has no vote"]);
    assert.deepEqual(missing(text().replace("master 2", "master 1")), [
      "0 of 1 primaries of the cache with all replicas",
    ]);
    assert.deepEqual(missing(text().replace("valkey slave 0", "valkey master 2")), [
      "2 of 1 primaries of the cache with all replicas",
    ]);
  });

  it("is missing where nobody knows", () => {
    assert.deepEqual(missing(undefined), ["no manager answers"]);
    assert.deepEqual(missing(""), [
      "no services",
      "0 of 3 members of Postgres",
      "0 of 3 voting members of etcd",
      "0 of 1 primaries of the cache with all replicas",
      "0 of 4 nodes of the Swarm",
    ]);
    assert.deepEqual(missing(text().replace(/^cluster .*$/m, "cluster <html>")), [
      "0 of 3 members of Postgres",
    ]);
  });

  it("is asked of all managers at once", async () => {
    const machines = new FakeMachines(["vm1", "vm2", "vm3"]);
    try {
      machines.set("silent-vm1");
      machines.set("dead-vm2");
      assert.ok((await redundantWithin(machines.outputs, 0)) < 4);
      machines.members("vm1", { vm3: "starting" });
      await assert.rejects(
        redundantWithin(machines.outputs, 0),
        /^Error: not redundant within 0 s: vm3 is starting$/,
      );
    } finally {
      machines.remove();
    }
  });
});
