import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cluster } from "../../scripts/drills/cluster";
import { writeVersion } from "../../scripts/drills/deploy";
import { grow, startWithOne } from "../../scripts/drills/grow";
import { LabStack } from "../../scripts/drills/lab-stack";
import { secondsUntil } from "../../scripts/drills/fault";
import { observe, type Observed } from "../../scripts/drills/load";
import { switchover } from "../../scripts/operator/switchover";
import { platformMemory, printMemory, totalMiB } from "../../scripts/stack/memory";

const BUILD = ["trivet:services", "web", "build"];
const report = (seen: unknown) => process.stdout.write(`      ${JSON.stringify(seen)}\n`);

/** What has to be true however slow the machine is that this runs on. */
function assertKept(seen: Observed): void {
  report(seen);
  const { lostRows, staleRows, inventedRows } = seen;
  assert.deepEqual(
    { lostRows, staleRows, inventedRows },
    { lostRows: 0, staleRows: 0, inventedRows: 0 },
  );
  assert.ok(seen.acknowledgedRows > 50, "hardly anything was written");
}

describe("three VMs", function () {
  // Everything below stands on the first one.
  this.bail(true);
  const stack = new LabStack("test-three");
  const versions = mkdtempSync(join(tmpdir(), "trivet-versions-"));
  /** A machine that the platform does not know yet. */
  let spare: unknown;

  const cluster = async () => new Cluster(await stack.target(), stack.name);
  const unchanged = async () => {
    const { code, output } = await stack.pulumi("preview", "--expect-no-changes", "--diff");
    assert.equal(code, 0, output.slice(-4000));
  };

  /** Swarm itself would leave replicas where they are. */
  const spreadAgain = async (platform: Cluster) => {
    const even = async () => {
      const found = await Promise.all(
        platform.names.map((name) => platform.running("web", platform.others(name))),
      );
      return found.every((replicas) => replicas === 1);
    };
    report({ spreadAgainSeconds: await secondsUntil(even, 300) });
    assert.ok(await even(), "the replicas are not spread over the machines");
  };

  after(async () => {
    await stack.remove();
  });

  it("grow from one under load", async () => {
    const { vm4, ...others } = await startWithOne(stack, 4);
    spare = vm4;
    const { observed, redundantAfterSeconds, broken } = await grow(stack, others);
    assertKept(observed);
    assert.deepEqual(observed.failures, {});
    assert.ok(redundantAfterSeconds >= 0, broken.join());
  });

  it("show no difference on the next preview", unchanged);

  it("have the replicas spread over them", async () => {
    await spreadAgain(await cluster());
  });

  it("go on without the machine that led everything, and take a new version meanwhile", async () => {
    const platform = await cluster();
    // The first machine: what the program does first, it does there.
    const lost = "vm1";
    if ((await platform.primary()) !== lost) {
      await switchover(platform.target.outputs, { to: lost, say: () => undefined });
    }
    await platform.moveEtcdLeader(lost);
    const stay = platform.others(lost);
    const seen = await observe(platform.target, { stay, hit: [lost] }, async () => {
      await stack.lab("kill", lost);
      stack.configure(BUILD, writeVersion(versions, "degraded", false));
      const { code, output } = await stack.pulumi("up", "--yes", "--skip-preview");
      assert.equal(code, 0, output.slice(-4000));
      assert.match(output, /trivet:machines\.vm1 .* does not answer/);
      assert.equal(await platform.running("web", [lost]), 3);
    });
    assertKept(seen);
    // What was on its way to that machine; everything else was answered by the others.
    assert.ok(seen.failedRequests < seen.requests / 100, JSON.stringify(seen.failures));
  });

  it("are brought level by the first update that reaches the machine again", async () => {
    const platform = await cluster();
    await stack.lab("start", "vm1");
    await stack.up();
    await platform.redundantWithin(300);
    await unchanged();
    await spreadAgain(platform);
    const image =
      "docker service inspect web --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}'";
    await platform.on("vm1", `docker image inspect $(${image}) > /dev/null && echo there`);
  });

  it("switch over without a failed request", async () => {
    const platform = await cluster();
    const before = await platform.primary();
    const seen = await observe(platform.target, { stay: platform.names }, async () => {
      report(await switchover(platform.target.outputs, { say: report }));
    });
    assertKept(seen);
    assert.deepEqual([seen.failures, seen.writeErrors], [{}, {}]);
    assert.notEqual(await platform.primary(), before);
    await platform.redundantWithin(300);
  });

  it("take a new version without a failed request", async () => {
    const platform = await cluster();
    const seen = await observe(platform.target, { stay: platform.names }, async () => {
      stack.configure(BUILD, writeVersion(versions, "whole", false));
      await stack.up();
    });
    assertKept(seen);
    assert.deepEqual([seen.failures, seen.writeErrors], [{}, {}]);
  });

  it("take less than 900 MB of memory each without the application", async () => {
    const memory = await platformMemory(await stack.outputs());
    printMemory(memory);
    assert.equal(memory.length, 3);
    for (const machine of memory) assert.ok(totalMiB(machine) < 858, JSON.stringify(machine));
  });

  it("have a machine replaced by one update, which touches nothing else", async () => {
    const platform = await cluster();
    const lost = "vm3";
    const stay = platform.others(lost);
    // Replicas move, and what only watches starts anew with the new list of machines.
    const watchers = "^(web|pooler-guard-|valkey-sentinel-)";
    const containers = async () =>
      await Promise.all(
        stay.map(async (name) => {
          const list = `docker ps --format '{{.Label "com.docker.swarm.service.name"}} {{.ID}}' | grep -Ev '${watchers}' | sort`;
          return await platform.on(name, list);
        }),
      );
    await stack.lab("kill", lost);
    stack.configure(["trivet:machines", lost], spare);
    const before = await containers();
    const seen = await observe(platform.target, { stay }, async () => {
      await stack.up();
      const renewed = await cluster();
      await renewed.redundantWithin(300);
      const members = await renewed.etcdMembers();
      assert.deepEqual(members.sort(), ["vm1", "vm2", "vm3"]);
      assert.match(
        await renewed.on("vm1", "docker node ls --format '{{.Status}}' | sort | uniq -c"),
        /^3 Ready$/,
      );
    });
    assertKept(seen);
    assert.deepEqual(await containers(), before);
    await unchanged();
  });
});
