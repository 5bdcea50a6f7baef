import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { PrimaryRouterArgs } from "../../../components/database/primary-router";
import { PrimaryRouter } from "../../../components/database/primary-router";
import { renderRouterConfig } from "../../../components/database/router-files";
import { documentedDefaults } from "../support/documented-defaults";
import { problemsOf, valueOf } from "../support/outputs";
import { hosts, knownHosts, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";
import { assertRolls } from "../support/rolls";
import { filesIn } from "../support/script-input";
import { scriptOf } from "../support/stand-ins";

const members = (count: number) =>
  hosts(count).map(({ name }, i) => ({ name, address: `10.0.0.${i + 1}` }));

describe("PrimaryRouter", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const args = (count: number): PrimaryRouterArgs => ({
    hosts: hosts(count),
    swarm: swarmHandle(),
    image: "sha256:haproxy",
    members: members(count).map(({ name, address }) => ({ name, address: pulumi.output(address) })),
  });

  for (const count of [1, 3]) {
    it(`runs on each of ${count}, on the machine's own addresses`, async () => {
      const router = new PrimaryRouter("router", args(count));
      await engine.settled();
      assert.deepEqual(
        engine.namesOf("docker:index/service:Service"),
        members(count).map(({ name }) => `router-${name}`),
      );
      for (const { name, address } of members(count)) {
        const listen = ["127.0.0.1", address, "10.212.0.1"];
        const { words, data } = engine.script(`router-${name}-files`);
        assert.deepEqual(filesIn(data), {
          "/etc/trivet/router/haproxy.cfg": {
            mode: "0400",
            owner: "64803:64803",
            content: renderRouterConfig(listen, members(count), 4000),
          },
          "/etc/trivet/router/start.sh": {
            mode: "0644",
            owner: "0:0",
            content: scriptOf("swarm", "child.sh", "proxy.sh"),
          },
        });
        assert.match(
          words[0] ?? "",
          new RegExp(`service\\.name=router-${name}\\)[^]*--signal USR2 `),
        );
        assert.ok(engine.get(`router-${name}`).dependsOn.includes(`router-${name}-files`));
      }
      assert.equal(await valueOf(router.primaryPort), 5000);
      assert.equal(await valueOf(router.standbyPort), 5001);
    });
  }

  it("is checked at a port that only its own machine reaches, and reads its folder", async () => {
    new PrimaryRouter("router", { ...args(1), maxConnections: 100 });
    await engine.settled();
    const { containerSpec } = engine.get("router-vm1").inputs.taskSpec as {
      containerSpec: unknown;
    };
    assert.deepEqual(containerSpec, {
      image: "sha256:haproxy",
      hostname: "vm1",
      commands: ["bash", "/etc/trivet/start.sh", "2"],
      healthcheck: {
        tests: ["CMD", "bash", "-c", "</dev/tcp/127.0.0.1/7000"],
        interval: "10s",
        timeout: "3s",
        retries: 3,
        startPeriod: "10s",
      },
      mounts: [
        { type: "bind", source: "/etc/trivet/router", target: "/etc/trivet", readOnly: true },
      ],
      stopGracePeriod: "15s",
    });
    const file = filesIn(engine.script("router-vm1-files").data)["/etc/trivet/router/haproxy.cfg"];
    assert.match(file?.content ?? "", /^ {2}maxconn 100$/m);
  });

  it("reaches one machine after the other", async () => {
    new PrimaryRouter("router", { ...args(3), hosts: knownHosts(3) });
    await engine.settled();
    assertRolls(engine, "router");
  });

  it("waits for what it is told to wait for", async () => {
    const before = new PrimaryRouter("before", args(1));
    new PrimaryRouter("router", args(3), { dependsOn: before });
    await engine.settled();
    for (const name of ["router-vm3-files", "router-vm3"]) {
      assert.ok(engine.get(name).dependsOn.includes("before-vm1"), name);
    }
  });

  it("has the defaults that its documentation names", () => {
    const file = "components/database/primary-router.ts";
    assert.deepEqual(documentedDefaults(file, "PrimaryRouterArgs"), { maxConnections: 4000 });
  });

  it("reports all bad arguments at once, and makes nothing", () => {
    const bad = { ...args(1), hosts: [], members: [], maxConnections: 99 };
    assert.deepEqual(
      problemsOf(() => new PrimaryRouter("router", bad)),
      [
        "  - hosts: is empty, needs at least one entry",
        "  - members: is empty, needs at least one entry",
        "  - maxConnections: is 99, must be a whole number from 100 to 100000",
      ],
    );
    assert.deepEqual(engine.namesOf("trivet:database:PrimaryRouter"), []);
  });
});
