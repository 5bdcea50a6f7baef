import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { ValkeyRouterArgs } from "../../../components/cache/valkey-router";
import { ValkeyRouter } from "../../../components/cache/valkey-router";
import { renderCacheRouterConfig } from "../../../components/cache/valkey-router-files";
import { Valkey } from "../../../components/cache/valkey";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { problemsOf, valueOf } from "../support/outputs";
import { hosts, knownHosts, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";
import { assertRolls } from "../support/rolls";
import { filesIn } from "../support/script-input";
import { scriptOf } from "../support/stand-ins";

const PASSWORD = "CachePassword0815";
const CONFIG = "/etc/trivet/valkey-router/haproxy.cfg";
const members = (count: number) =>
  hosts(count).map(({ name }, i) => ({ name, address: `10.0.0.${i + 1}` }));

describe("ValkeyRouter", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const args = (count: number, servers = count): ValkeyRouterArgs => ({
    hosts: hosts(count),
    swarm: swarmHandle(),
    image: "sha256:haproxy",
    upstream: {
      password: pulumi.secret(PASSWORD),
      members: members(servers).map((m) => ({ ...m, address: pulumi.output(m.address) })),
    },
  });

  for (const [count, servers] of [
    [1, 1],
    [4, 3],
  ] as const) {
    it(`runs on each of ${count}, on the machine's own addresses, for ${servers} servers`, async () => {
      const router = new ValkeyRouter("valkey-router", args(count, servers));
      await engine.settled();
      const services = members(count).map(({ name }) => `valkey-router-${name}`);
      assert.deepEqual(engine.namesOf("docker:index/service:Service"), services);
      for (const { name, address } of members(count)) {
        const { words, data } = engine.script(`valkey-router-${name}-files`);
        const listenAddresses = ["127.0.0.1", address, "10.212.0.1"];
        const config = { listenAddresses, servers: members(servers), password: PASSWORD };
        assert.deepEqual(filesIn(data), {
          [CONFIG]: {
            mode: "0400",
            owner: "64803:64803",
            content: renderCacheRouterConfig({ ...config, maxConnections: 4000 }),
          },
          "/etc/trivet/valkey-router/start.sh": {
            mode: "0644",
            owner: "0:0",
            content: scriptOf("swarm", "child.sh", "proxy.sh"),
          },
        });
        assert.match(
          words[0] ?? "",
          new RegExp(`service\\.name=valkey-router-${name}\\)[^]*--signal USR2 `),
        );
      }
      assert.equal(await valueOf(router.port), 6380);
      assertNoLeak(engine.made, [PASSWORD]);
    });
  }

  it("is checked at its port, and reads its folder", async () => {
    new ValkeyRouter("valkey-router", { ...args(1), maxConnections: 100 });
    await engine.settled();
    const { containerSpec } = engine.get("valkey-router-vm1").inputs.taskSpec as {
      containerSpec: unknown;
    };
    const source = "/etc/trivet/valkey-router";
    assert.deepEqual(containerSpec, {
      image: "sha256:haproxy",
      hostname: "vm1",
      commands: ["bash", "/etc/trivet/start.sh", "1"],
      healthcheck: {
        tests: ["CMD", "bash", "-c", "</dev/tcp/127.0.0.1/6380"],
        interval: "10s",
        timeout: "3s",
        retries: 3,
        startPeriod: "10s",
      },
      mounts: [{ type: "bind", source, target: "/etc/trivet", readOnly: true }],
      stopGracePeriod: "15s",
    });
    const file = filesIn(engine.script("valkey-router-vm1-files").data)[CONFIG];
    assert.match(file?.content ?? "", /^ {2}maxconn 100$/m);
  });

  it("reaches one machine after the other", async () => {
    new ValkeyRouter("valkey-router", { ...args(3), hosts: knownHosts(3) });
    await engine.settled();
    assertRolls(engine, "valkey-router");
  });

  it("is told of several servers once they replicate, and not before", async () => {
    const { swarm, hosts: machines } = args(3);
    const upstream = new Valkey("valkey", { hosts: machines, swarm, image: "sha256:valkey" });
    new ValkeyRouter("valkey-router", { ...args(3), upstream }, { dependsOn: upstream });
    await engine.settled();
    for (const name of ["valkey-router-vm1-files", "valkey-router-vm1"]) {
      assert.ok(engine.get(name).dependsOn.includes("valkey-settle"), name);
    }
  });

  it("has the defaults that its documentation names", () => {
    const file = "components/cache/valkey-router.ts";
    assert.deepEqual(documentedDefaults(file, "ValkeyRouterArgs"), { maxConnections: 4000 });
  });

  it("reports all bad arguments at once, and makes nothing", () => {
    const upstream = { ...args(1).upstream, members: [] };
    assert.deepEqual(
      problemsOf(
        () =>
          new ValkeyRouter("valkey-router", { ...args(1), hosts: [], upstream, maxConnections: 9 }),
      ),
      [
        "  - hosts: is empty, needs at least one entry",
        "  - upstream.members: is empty, needs at least one entry",
        "  - maxConnections: is 9, must be a whole number from 100 to 100000",
      ],
    );
    assert.deepEqual(
      problemsOf(
        () => new ValkeyRouter("valkey-router", { ...args(1), hosts: [...hosts(1), ...hosts(1)] }),
      ),
      ["  - hosts: repeats vm1"],
    );
    assert.deepEqual(engine.namesOf("trivet:cache:ValkeyRouter"), []);
  });
});
