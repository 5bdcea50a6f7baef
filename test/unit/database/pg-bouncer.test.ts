import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { PgBouncerArgs } from "../../../components/database/pg-bouncer";
import { PgBouncer, POOL_DEFAULTS } from "../../../components/database/pg-bouncer";
import { renderPoolerConfig } from "../../../components/database/pgbouncer-files";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { failuresOf, problemsOf, valueOf } from "../support/outputs";
import { hosts, knownHosts, passwordOf, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";
import { assertRolls } from "../support/rolls";
import { filesIn } from "../support/script-input";

const PASSWORD = 'the"password-of-the-application';

describe("PgBouncer", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const args = (count: number): PgBouncerArgs => ({
    hosts: hosts(count),
    swarm: swarmHandle(),
    image: "sha256:pgbouncer",
    upstream: {
      database: "shop",
      user: "shopper",
      password: pulumi.secret(PASSWORD),
      members: [],
    },
  });

  for (const count of [1, 3]) {
    it(`runs on each of ${count}, in front of its own router`, async () => {
      const pool = { size: pulumi.output(40), maxClients: 2000 };
      const pooler = new PgBouncer("pooler", { ...args(count), pool });
      await engine.settled();
      const machines = hosts(count).map(({ name }) => name);
      assert.deepEqual(
        engine.namesOf("docker:index/service:Service"),
        machines.map((machine) => `pooler-${machine}`),
      );
      assert.deepEqual(
        await valueOf(pooler.endpoints),
        machines.map((_, i) => `10.0.0.${i + 1}:6432`),
      );
      for (const [i, machine] of machines.entries()) {
        const listen = ["127.0.0.1", `10.0.0.${i + 1}`, "10.212.0.1"];
        const limits = { size: 40, maxClients: 2000, waitSeconds: 45 };
        const { words, data } = engine.script(`pooler-${machine}-files`);
        const access = { mode: "0400", owner: "64804:64804" };
        assert.deepEqual(filesIn(data), {
          "/etc/trivet/pooler/userlist.txt": {
            ...access,
            content: `"shopper" "the""password-of-the-application"\n"trivet_pooler" "${passwordOf("pooler-admin")}"\n`,
          },
          "/etc/trivet/pooler/pgbouncer.ini": {
            ...access,
            content: renderPoolerConfig(listen, "shop", limits),
          },
        });
        assert.match(
          words[0] ?? "",
          new RegExp(`service\\.name=pooler-${machine} .* --signal HUP `),
        );
        assert.ok(engine.get(`pooler-${machine}`).dependsOn.includes(`pooler-${machine}-files`));
      }
    });
  }

  it("lets its clients go before it ends", async () => {
    new PgBouncer("pooler", args(1));
    await engine.settled();
    const { containerSpec } = engine.get("pooler-vm1").inputs.taskSpec as {
      containerSpec: unknown;
    };
    assert.deepEqual(containerSpec, {
      image: "sha256:pgbouncer",
      hostname: "vm1",
      healthcheck: {
        tests: ["CMD", "bash", "-c", "</dev/tcp/127.0.0.1/6432"],
        interval: "10s",
        timeout: "3s",
        retries: 3,
        startPeriod: "10s",
      },
      mounts: [
        { type: "bind", source: "/etc/trivet/pooler", target: "/etc/trivet", readOnly: true },
      ],
      stopGracePeriod: "30s",
    });
  });

  it("reaches one machine after the other", async () => {
    new PgBouncer("pooler", { ...args(3), hosts: knownHosts(3) });
    await engine.settled();
    assertRolls(engine, "pooler");
  });

  it("tells no password", async () => {
    const { adminPassword } = new PgBouncer("pooler", args(3));
    await engine.settled();
    assert.equal(await valueOf(adminPassword), passwordOf("pooler-admin"));
    assert.equal(await pulumi.isSecret(adminPassword), true);
    assertNoLeak(engine.made, [passwordOf("pooler-admin"), "password-of-the-application"]);
  });

  it("waits for what it is told to wait for", async () => {
    const before = new PgBouncer("before", args(1));
    new PgBouncer("pooler", args(3), { dependsOn: before });
    await engine.settled();
    for (const name of ["pooler-vm3-files", "pooler-vm3"]) {
      assert.ok(engine.get(name).dependsOn.includes("before-vm1"), name);
    }
  });

  it("has the defaults that its documentation names", () => {
    const documented = documentedDefaults("components/database/pg-bouncer.ts", "PoolArgs");
    assert.deepEqual(POOL_DEFAULTS, documented);
  });

  it("refuses to run nowhere or twice on one machine, and makes nothing", () => {
    const make = (list: PgBouncerArgs["hosts"]) =>
      problemsOf(() => new PgBouncer("pooler", { ...args(1), hosts: list }));
    assert.deepEqual(make([]), ["  - hosts: is empty, needs at least one entry"]);
    assert.deepEqual(make([...hosts(1), ...hosts(1)]), ["  - hosts: repeats vm1"]);
    assert.deepEqual(engine.namesOf("trivet:database:PgBouncer"), []);
  });

  it("refuses limits that do not fit, also when they are known late", async () => {
    const pool = pulumi.output({ size: 30, maxClients: 29, waitSeconds: -1 });
    const failures = await failuresOf(() => new PgBouncer("pooler", { ...args(1), pool }));
    assert.ok(failures.length > 0);
    for (const failure of failures) {
      assert.deepEqual(failure.split("\n").slice(1), [
        "  - pool.maxClients: is 29, must be a whole number from 30 to 100000",
        "  - pool.waitSeconds: is -1, must be a whole number from 0 to 86400",
      ]);
    }
  });
});
