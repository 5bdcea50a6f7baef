import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { ValkeyArgs } from "../../../components/cache/valkey";
import { Valkey } from "../../../components/cache/valkey";
import { renderMembers, renderValkeyConfig } from "../../../components/cache/valkey-files";
import { renderSentinelConfig } from "../../../components/cache/valkey-sentinel-files";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { failuresOf, problemsOf, valueOf } from "../support/outputs";
import { hosts, knownHosts, passwordOf, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";
import { assertRolls } from "../support/rolls";
import { filesIn } from "../support/script-input";

const ADDRESSES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
const SECRET = { mode: "0400", owner: "64805:64805" };
const PLAIN = { mode: "0644", owner: "0:0" };

describe("Valkey", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const args = (count: number): ValkeyArgs => ({
    hosts: hosts(count),
    swarm: swarmHandle(),
    image: "sha256:valkey",
  });
  const password = passwordOf("valkey-password");
  const written = (service: string) => filesIn(engine.script(`${service}-files`).data);
  const containerOf = (service: string) =>
    (engine.get(service).inputs.taskSpec as { containerSpec: unknown }).containerSpec;

  it("of one machine is a server alone", async () => {
    const cache = new Valkey("valkey", { ...args(1), memoryMiB: pulumi.output(256) });
    await engine.settled();
    assert.deepEqual(cache.members, [{ name: "vm1", address: "10.0.0.1" }]);
    assert.deepEqual(engine.names(), [
      "manager",
      "valkey",
      "valkey-password",
      "valkey-vm1",
      "valkey-vm1-files",
    ]);
    const { "/etc/trivet/valkey/start.sh": start, ...files } = written("valkey-vm1");
    assert.match(start?.content ?? "", /^#!\/usr\/bin\/env bash\n[^]*exec valkey-server "\$copy"/);
    assert.deepEqual(files, {
      "/etc/trivet/valkey/members": { ...PLAIN, content: "10.0.0.1\n10.0.0.1\n" },
      "/etc/trivet/valkey/valkey.conf": {
        ...SECRET,
        content: renderValkeyConfig({
          ...{ address: "10.0.0.1", password, memoryMiB: 256, replicas: 0 },
        }),
      },
    });
  });

  it("of three machines has a server and a Sentinel on each", async () => {
    new Valkey("valkey", args(3));
    await engine.settled();
    for (const [i, address] of ADDRESSES.entries()) {
      const [server, sentinel] = [`valkey-vm${i + 1}`, `valkey-sentinel-vm${i + 1}`];
      const members = { ...PLAIN, content: renderMembers(address, ADDRESSES) };
      const files = written(server);
      assert.deepEqual(files["/etc/trivet/valkey/members"], members);
      assert.deepEqual(files["/etc/trivet/valkey/valkey.conf"], {
        ...SECRET,
        content: renderValkeyConfig({ address, password, memoryMiB: 128, replicas: 2 }),
      });
      const { "/etc/trivet/valkey-sentinel/start.sh": start, ...others } = written(sentinel);
      assert.match(start?.content ?? "", /exec valkey-server "\$copy" --sentinel/);
      assert.deepEqual(others, {
        "/etc/trivet/valkey-sentinel/members": members,
        "/etc/trivet/valkey-sentinel/sentinel.conf": {
          ...SECRET,
          content: renderSentinelConfig({
            ...{ service: sentinel, address, password, members: ADDRESSES },
          }),
        },
      });
      const { words } = engine.script(`${sentinel}-files`);
      assert.match(words[0] ?? "", new RegExp(`name=${sentinel} .*--signal TERM `));
    }
    assert.equal(engine.namesOf("docker:index/service:Service").length, 6);
  });

  it("reaches one machine after the other", async () => {
    new Valkey("valkey", { ...args(3), hosts: knownHosts(3) });
    await engine.settled();
    const waits = (name: string) => engine.get(name).dependsOn;
    for (const service of ["valkey", "valkey-sentinel"]) assertRolls(engine, service);
    for (const server of ["valkey-vm1", "valkey-vm2", "valkey-vm3"]) {
      assert.ok(waits("valkey-sentinel-vm1").includes(server));
      assert.ok(waits(server).includes(`${server}-files`));
    }
  });

  it("is done once all servers replicate, and runs that check again for a new service", async () => {
    new Valkey("valkey", args(3));
    await engine.settled();
    const { words, script } = engine.script("valkey-settle");
    assert.deepEqual(words, ["valkey-vm1", "120", ...ADDRESSES]);
    assert.match(script, /^# valkey-vm1-id\n(# .*-id\n){5}/);
    const { dependsOn } = engine.get("valkey-settle");
    assert.equal(dependsOn.filter((name) => /^valkey-(sentinel-)?vm\d$/.test(name)).length, 6);
  });

  it("waits for no server of a machine that is out of reach", async () => {
    const [vm1, vm2, vm3] = hosts(3);
    assert.ok(vm1 && vm2 && vm3);
    const known = [1].flatMap((n) => [
      `docker:index/service:Service::valkey-vm${n}`,
      `command:remote:Command::valkey-vm${n}-files`,
    ]);
    const away = { ...vm1, away: { known: new Set(known) } };
    new Valkey("valkey", { ...args(3), hosts: [away, vm2, vm3] });
    await engine.settled();
    const { words } = engine.script("valkey-settle");
    assert.deepEqual(words, ["valkey-vm2", "120", "10.0.0.2", "10.0.0.3"]);
    assert.deepEqual(engine.namesOf("trivet:core:LeftOut"), [
      "valkey-sentinel-vm1",
      "valkey-sentinel-vm1-files",
    ]);
  });

  it("keeps its data, and counts as started once it has read them", async () => {
    new Valkey("valkey", args(1));
    await engine.settled();
    assert.deepEqual(containerOf("valkey-vm1"), {
      image: "sha256:valkey",
      hostname: "vm1",
      commands: ["bash", "/etc/trivet/start.sh"],
      healthcheck: {
        tests: ["CMD-SHELL", "valkey-cli -h 127.0.0.1 ping | grep -qE 'PONG|NOAUTH'"],
        interval: "10s",
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

  it("keeps what its Sentinels learn in a volume of their own", async () => {
    new Valkey("valkey", args(3));
    await engine.settled();
    const source = "/etc/trivet/valkey-sentinel";
    assert.deepEqual(containerOf("valkey-sentinel-vm2"), {
      image: "sha256:valkey",
      hostname: "vm2",
      commands: ["bash", "/etc/trivet/start.sh"],
      healthcheck: {
        tests: ["CMD-SHELL", "valkey-cli -h 127.0.0.1 -p 26379 ping | grep -qE 'PONG|NOAUTH'"],
        interval: "10s",
        timeout: "3s",
        retries: 3,
        startPeriod: "30s",
      },
      mounts: [
        { type: "bind", source, target: "/etc/trivet", readOnly: true },
        { type: "volume", source: "trivet-valkey-sentinel", target: "/var/lib/valkey-data" },
      ],
      stopGracePeriod: "10s",
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
    for (const name of ["valkey-vm3-files", "valkey-vm3", "valkey-sentinel-vm3-files"]) {
      assert.ok(engine.get(name).dependsOn.includes("before-vm1"), name);
    }
  });

  it("has the default that its documentation names", () => {
    const documented = documentedDefaults("components/cache/valkey.ts", "ValkeyArgs");
    assert.deepEqual(documented, { memoryMiB: 128 });
  });

  it("refuses a number of machines that elects nobody, or one machine twice, and makes nothing", () => {
    const make = (list: ValkeyArgs["hosts"]) =>
      problemsOf(() => new Valkey("valkey", { ...args(1), hosts: list }));
    const number = (count: number) =>
      `  - hosts: has ${count} entries, must have 1, 3 or 5: an even number survives no more failures than one fewer`;
    assert.deepEqual(make([]), [number(0)]);
    assert.deepEqual(make([...hosts(1), ...hosts(1)]), [number(2), "  - hosts: repeats vm1"]);
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
