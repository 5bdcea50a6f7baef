import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { ValkeyArgs } from "../../../components/cache/valkey";
import { Valkey } from "../../../components/cache/valkey";
import { renderValkeyConfig } from "../../../components/cache/valkey-files";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { failuresOf, problemsOf, valueOf } from "../support/outputs";
import { hosts, passwordOf, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";
import { filesIn } from "../support/script-input";

describe("Valkey", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const args = (count: number): ValkeyArgs => ({
    hosts: hosts(count),
    swarm: swarmHandle(),
    image: "sha256:valkey",
  });
  const password = passwordOf("valkey-password");
  const written = (machine: string) =>
    filesIn(engine.script(`valkey-${machine}-files`).data)["/etc/trivet/valkey/valkey.conf"];
  const listen = (n: number) => ["127.0.0.1", `10.0.0.${n}`, "10.212.0.1"];

  it("of one machine is reached at its private address, as more machines would be", async () => {
    const cache = new Valkey("valkey", { ...args(1), memoryMiB: pulumi.output(256) });
    await engine.settled();
    assert.equal(await valueOf(cache.address), "10.0.0.1");
    assert.deepEqual(engine.names(), [
      "manager",
      "valkey",
      "valkey-password",
      "valkey-vm1",
      "valkey-vm1-files",
    ]);
    assert.deepEqual(written("vm1"), {
      mode: "0400",
      owner: "64805:64805",
      content: renderValkeyConfig({ listenAddresses: listen(1), password, memoryMiB: 256 }),
    });
  });

  it("of three machines follows the first one", async () => {
    const cache = new Valkey("valkey", args(3));
    await engine.settled();
    assert.equal(await valueOf(cache.address), "10.0.0.1");
    assert.equal(
      written("vm1")?.content,
      renderValkeyConfig({ listenAddresses: listen(1), password, memoryMiB: 128 }),
    );
    for (const n of [2, 3]) {
      const config = { listenAddresses: listen(n), password, memoryMiB: 128 };
      assert.equal(
        written(`vm${n}`)?.content,
        renderValkeyConfig({ ...config, primaryAddress: "10.0.0.1" }),
      );
      assert.ok(engine.get(`valkey-vm${n}`).dependsOn.includes(`valkey-vm${n}-files`));
    }
  });

  it("keeps its data, and counts as started once it has read them", async () => {
    new Valkey("valkey", args(1));
    await engine.settled();
    const { containerSpec } = engine.get("valkey-vm1").inputs.taskSpec as {
      containerSpec: unknown;
    };
    assert.deepEqual(containerSpec, {
      image: "sha256:valkey",
      hostname: "vm1",
      healthcheck: {
        tests: ["CMD-SHELL", "valkey-cli -h 127.0.0.1 ping | grep -qE 'PONG|NOAUTH'"],
        interval: "5s",
        timeout: "3s",
        retries: 3,
        startPeriod: "2m",
      },
      mounts: [
        { type: "bind", source: "/etc/trivet/valkey", target: "/etc/trivet", readOnly: true },
        { type: "volume", source: "trivet-valkey", target: "/var/lib/valkey-data" },
      ],
      stopGracePeriod: "30s",
    });
  });

  it("tells its password to nobody", async () => {
    const cache = new Valkey("valkey", args(3));
    await engine.settled();
    assert.equal(await pulumi.isSecret(cache.password), true);
    assert.equal(await valueOf(cache.password), password);
    assertNoLeak(engine.made, [password]);
  });

  it("waits for what it is told to wait for", async () => {
    const before = new Valkey("before", args(1));
    new Valkey("valkey", args(3), { dependsOn: before });
    await engine.settled();
    for (const name of ["valkey-vm3-files", "valkey-vm3"]) {
      assert.ok(engine.get(name).dependsOn.includes("before-vm1"), name);
    }
  });

  it("has the default that its documentation names", () => {
    const documented = documentedDefaults("components/cache/valkey.ts", "ValkeyArgs");
    assert.deepEqual(documented, { memoryMiB: 128 });
  });

  it("refuses to run nowhere or twice on one machine, and makes nothing", () => {
    const make = (list: ValkeyArgs["hosts"]) =>
      problemsOf(() => new Valkey("valkey", { ...args(1), hosts: list }));
    assert.deepEqual(make([]), ["  - hosts: is empty, needs at least one entry"]);
    assert.deepEqual(make([...hosts(1), ...hosts(1)]), ["  - hosts: repeats vm1"]);
    assert.deepEqual(engine.namesOf("trivet:cache:Valkey"), []);
  });

  it("refuses too little memory when it is known", async () => {
    const memoryMiB = pulumi.output(Promise.resolve(15));
    const failures = await failuresOf(() => new Valkey("valkey", { ...args(1), memoryMiB }));
    assert.ok(failures.length > 0);
    for (const failure of failures) {
      assert.match(failure, /\n {2}- memoryMiB: is 15, must be a whole number from 16 to 65536$/);
    }
  });
});
