import assert from "node:assert/strict";
import { join } from "node:path";
import { readScript } from "../../../components/core/remote-script";
import { EtcdCluster } from "../../../components/database/etcd-cluster";
import { renderEtcdConfig } from "../../../components/database/etcd-files";
import { assertNoLeak } from "../support/leaks";
import { problemsOf, valueOf } from "../support/outputs";
import {
  awayHost,
  certificateOf,
  hosts,
  keyOf,
  PLATFORM_OUTPUTS,
  swarmHandle,
} from "../support/platform";
import { Recorder } from "../support/recorder";
import { filesIn } from "../support/script-input";

const DATABASE = join(__dirname, "..", "..", "..", "components", "database");

describe("EtcdCluster", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  async function made(count: number) {
    const args = { hosts: hosts(count), swarm: swarmHandle(), image: "sha256:etcd" };
    const cluster = new EtcdCluster("etcd", args);
    await engine.settled();
    return cluster;
  }

  for (const count of [1, 3]) {
    it(`runs a member on each of ${count}`, async () => {
      const { addresses, certificates } = await made(count);
      const machines = hosts(count).map(({ name }) => name);
      assert.deepEqual(
        engine.namesOf("docker:index/service:Service"),
        machines.map((machine) => `etcd-${machine}`),
      );
      assert.deepEqual(
        await valueOf(addresses),
        machines.map((_, i) => `10.0.0.${i + 1}:2379`),
      );
      assert.deepEqual(Object.keys(certificates), machines);
      for (const machine of machines) {
        const members = hosts(count).map(({ name }, i) => ({ name, address: `10.0.0.${i + 1}` }));
        const known = hosts(count).map(({ name }, i) => `${name} 10.0.0.${i + 1}\n`);
        const { words, data } = engine.script(`etcd-${machine}-files`);
        const owner = "64801:64801";
        const content = keyOf(`etcd-${machine}-key`);
        const open = { mode: "0644", owner: "0:0" };
        assert.deepEqual(words, []);
        assert.deepEqual(filesIn(data), {
          "/etc/trivet/etcd/authority.pem": { ...open, content: certificateOf("etcd-authority") },
          "/etc/trivet/etcd/member.pem": {
            ...open,
            content: certificateOf(`etcd-${machine}-certificate`),
          },
          "/etc/trivet/etcd/member-key.pem": { mode: "0400", owner, content },
          "/etc/trivet/etcd/etcd.yml": {
            ...open,
            content: renderEtcdConfig("etcd", machine, members),
          },
          "/etc/trivet/etcd/members": { ...open, content: known.join("") },
          "/etc/trivet/etcd/start.sh": { ...open, content: readScript(DATABASE, "etcd-start.sh") },
        });
        const { dependsOn } = engine.get(`etcd-${machine}`);
        assert.ok(dependsOn.includes(`etcd-${machine}-files`));
        assert.ok(dependsOn.includes("etcd-found"), "who founds the cluster is settled first");
      }
    });
  }

  it("is founded by the first machine, once, and obsolete members are removed there before any joins", async () => {
    await made(3);
    const found = engine.get("etcd-found");
    assert.deepEqual(engine.script("etcd-found").words, ["trivet-etcd", "64801:64801"]);
    assert.deepEqual(found.ignoreChanges, ["*"]);
    assert.deepEqual(found.dependsOn, ["manager"]);
    const machines = ["vm1 10.0.0.1", "vm2 10.0.0.2", "vm3 10.0.0.3"];
    const words = ["etcd-vm1", "trivet-etcd", ...machines.flatMap((each) => each.split(" "))];
    assert.deepEqual(engine.script("etcd-members").words, words);
    assert.deepEqual(engine.get("etcd-members").dependsOn, ["manager"]);
    for (const member of ["etcd-vm1", "etcd-vm2", "etcd-vm3"]) {
      assert.ok(engine.get(member).dependsOn.includes("etcd-members"), member);
    }
    assert.deepEqual(engine.get("etcd-members").ignoreChanges, []);
    for (const name of ["etcd-found", "etcd-members"]) {
      assert.equal(engine.addressOf(name), "203.0.113.1");
    }
  });

  it("is founded, or grown, from the machine that has the data", async () => {
    const list = hosts(3).map((host) => ({ ...host, isNew: host.name !== "vm2" }));
    new EtcdCluster("etcd", { hosts: list, swarm: swarmHandle(), image: "sha256:etcd" });
    await engine.settled();
    for (const name of ["etcd-found", "etcd-members"]) {
      assert.equal(engine.addressOf(name), "203.0.113.2");
    }
    assert.equal(engine.script("etcd-members").words[0], "etcd-vm2");
  });

  it("is tidied from the next machine while the first one is away", async () => {
    const [vm1, vm2, vm3] = hosts(3);
    assert.ok(vm1 !== undefined && vm2 !== undefined && vm3 !== undefined);
    const list = [awayHost(vm1, "docker:index/service:Service::etcd-vm1"), vm2, vm3];
    const args = { hosts: list, swarm: swarmHandle(), image: "sha256:etcd" };
    const { addresses } = new EtcdCluster("etcd", args);
    await engine.settled();
    assert.equal(engine.script("etcd-members").words[0], "etcd-vm2");
    assert.equal(engine.addressOf("etcd-members"), "203.0.113.2");
    assert.deepEqual(engine.get("etcd-vm1").ignoreChanges, ["*"]);
    assert.deepEqual(engine.namesOf("trivet:core:LeftOut"), ["etcd-vm1-files"]);
    const all = ["10.0.0.1:2379", "10.0.0.2:2379", "10.0.0.3:2379"];
    assert.deepEqual(await valueOf(addresses), all);
  });

  it("keeps its data in a volume, and answers for itself alone", async () => {
    await made(1);
    const { inputs, provider, secretInputs } = engine.get("etcd-vm1");
    assert.equal(provider, "manager");
    assert.deepEqual(secretInputs, []);
    const { containerSpec } = inputs.taskSpec as { containerSpec: unknown };
    assert.deepEqual(containerSpec, {
      image: "sha256:etcd",
      hostname: "vm1",
      commands: ["tini", "--", "bash", "/etc/trivet/start.sh", "vm1"],
      healthcheck: {
        tests: ["CMD", "curl", "-fsS", "http://127.0.0.1:2381/livez"],
        interval: "10s",
        timeout: "3s",
        retries: 3,
        startPeriod: "2m",
      },
      mounts: [
        { type: "bind", source: "/etc/trivet/etcd", target: "/etc/trivet", readOnly: true },
        { type: "volume", source: "trivet-etcd", target: "/var/lib/etcd-data" },
      ],
      stopGracePeriod: "15s",
    });
  });

  it("tells no key", async () => {
    await made(3);
    assertNoLeak(engine.made, [
      keyOf("etcd-authority-key").trimEnd(),
      keyOf("etcd-vm1-key").trimEnd(),
    ]);
  });

  it("waits for what it is told to wait for", async () => {
    const { swarm, image } = { swarm: swarmHandle(), image: "sha256:etcd" };
    const before = new EtcdCluster("before", { hosts: hosts(1), swarm, image });
    new EtcdCluster("etcd", { hosts: hosts(3), swarm, image }, { dependsOn: [before] });
    await engine.settled();
    for (const name of ["etcd-found", "etcd-vm3", "etcd-vm3-files", "etcd-members"]) {
      assert.ok(engine.get(name).dependsOn.includes("before-vm1"), name);
    }
  });

  it("refuses members that can elect no leader, and makes nothing", () => {
    const swarm = { ...swarmHandle() };
    const [vm1] = hosts(1);
    assert.ok(vm1 !== undefined);
    const tell = (list: (typeof vm1)[]) =>
      problemsOf(() => new EtcdCluster("etcd", { hosts: list, swarm, image: "x" }));
    const reason =
      "entries, must have 1, 3 or 5: an even number survives no more failures than one fewer";
    assert.deepEqual(tell([]), [`  - hosts: has 0 ${reason}`]);
    assert.deepEqual(tell([vm1, vm1]), [`  - hosts: has 2 ${reason}`, "  - hosts: repeats vm1"]);
    assert.deepEqual(engine.namesOf("trivet:database:EtcdCluster"), []);
  });
});
