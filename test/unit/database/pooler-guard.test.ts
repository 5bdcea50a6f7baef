import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { PoolerGuardArgs } from "../../../components/database/pooler-guard";
import { GUARD_DEFAULTS, PoolerGuard } from "../../../components/database/pooler-guard";
import { renderGuardSettings } from "../../../components/database/pooler-guard-files";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { problemsOf } from "../support/outputs";
import { hosts, knownHosts, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";
import { assertRolls } from "../support/rolls";
import { filesIn } from "../support/script-input";

const FILE = "components/database/pooler-guard";
const PASSWORD = 'the"password-of-the-console';

describe("PoolerGuard", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const args = (count: number): PoolerGuardArgs => ({
    hosts: hosts(count),
    swarm: swarmHandle(),
    image: "sha256:pgbouncer",
    pooler: { adminPassword: pulumi.secret(PASSWORD) },
    upstream: {
      database: "shop",
      members: [{ name: "vm1", address: pulumi.output("10.0.0.1") }],
    },
  });

  for (const count of [1, 3]) {
    it(`guards the pooler of each of ${count}`, async () => {
      const guard = new PoolerGuard("guard", { ...args(count), deadlineSeconds: 9 });
      await engine.settled();
      const machines = hosts(count).map(({ name }) => name);
      const services = machines.map((machine) => `guard-${machine}`);
      assert.deepEqual(engine.namesOf("docker:index/service:Service"), services);
      assert.deepEqual(Object.values(guard.services), services);
      for (const service of services) {
        const { words, data } = engine.script(`${service}-files`);
        assert.deepEqual(filesIn(data), {
          "/etc/trivet/guard/settings.json": {
            mode: "0400",
            owner: "64804:64804",
            content: renderGuardSettings({
              database: "shop",
              members: [{ name: "vm1", address: "10.0.0.1" }],
              password: PASSWORD,
              deadlineSeconds: 9,
            }),
          },
          "/etc/trivet/guard/pooler-guard.py": {
            mode: "0444",
            owner: "0:0",
            content: readFileSync(join(__dirname, "..", "..", "..", `${FILE}.py`), "utf8"),
          },
        });
        assert.match(words[0] ?? "", new RegExp(`service\\.name=${service} .* --signal TERM `));
        assert.ok(engine.get(service).dependsOn.includes(`${service}-files`));
      }
    });
  }

  it("runs the program, and is unhealthy once its rounds stop", async () => {
    new PoolerGuard("guard", args(1));
    await engine.settled();
    const { containerSpec } = engine.get("guard-vm1").inputs.taskSpec as {
      containerSpec: unknown;
    };
    assert.deepEqual(containerSpec, {
      image: "sha256:pgbouncer",
      hostname: "vm1",
      commands: ["python3", "/etc/trivet/pooler-guard.py"],
      healthcheck: {
        tests: ["CMD", "bash", "-c", "(( $(date +%s) - $(stat -c %Y /tmp/alive) < 10 ))"],
        interval: "10s",
        timeout: "3s",
        retries: 3,
        startPeriod: "10s",
      },
      mounts: [
        { type: "bind", source: "/etc/trivet/guard", target: "/etc/trivet", readOnly: true },
      ],
      stopGracePeriod: "10s",
      stopSignal: "SIGTERM",
    });
  });

  it("reaches one machine after the other", async () => {
    new PoolerGuard("guard", { ...args(3), hosts: knownHosts(3) });
    await engine.settled();
    assertRolls(engine, "guard");
  });

  it("knows members, ports and the console's role", () => {
    const members = [
      { name: "vm1", address: "10.0.0.1" },
      { name: "vm2", address: "10.0.0.2" },
    ];
    const rendered = renderGuardSettings({
      database: "shop",
      members,
      password: PASSWORD,
      deadlineSeconds: 40,
    });
    assert.deepEqual(JSON.parse(rendered), {
      database: "shop",
      members: members.map((member) => ({ ...member, port: 8008 })),
      router_port: 7000,
      pooler_port: 6432,
      user: "trivet_pooler",
      password: PASSWORD,
      deadline_seconds: 40,
      answer_seconds: 0.4,
      folder: "/tmp",
    });
  });

  it("tells no password", async () => {
    new PoolerGuard("guard", args(3));
    await engine.settled();
    assertNoLeak(engine.made, ["password-of-the-console"]);
  });

  it("waits for what it is told to wait for", async () => {
    const before = new PoolerGuard("before", args(1));
    new PoolerGuard("guard", args(3), { dependsOn: [before] });
    await engine.settled();
    for (const name of ["guard-vm3-files", "guard-vm3"]) {
      assert.ok(engine.get(name).dependsOn.includes("before-vm1"), name);
    }
  });

  it("has the defaults that its documentation names", () => {
    assert.deepEqual(GUARD_DEFAULTS, documentedDefaults(`${FILE}.ts`, "PoolerGuardArgs"));
  });

  it("refuses what cannot work, all at once, and makes nothing", () => {
    const problems = problemsOf(
      () =>
        new PoolerGuard("guard", {
          ...args(1),
          hosts: [...hosts(1), ...hosts(1)],
          upstream: { database: "shop", members: [] },
          deadlineSeconds: 4.5,
        }),
    );
    assert.deepEqual(problems, [
      "  - hosts: repeats vm1",
      "  - upstream.members: is empty, needs at least one entry",
      "  - deadlineSeconds: is 4.5, must be a whole number from 5 to 3600",
    ]);
    assert.deepEqual(
      problemsOf(() => new PoolerGuard("guard", { ...args(1), hosts: [] })),
      ["  - hosts: is empty, needs at least one entry"],
    );
    const member = { name: "vm1", address: "10.0.0.1" };
    const upstream = { database: "shop", members: [member, member] };
    assert.deepEqual(
      problemsOf(() => new PoolerGuard("guard", { ...args(1), upstream })),
      ["  - upstream.members: repeats vm1"],
    );
    assert.deepEqual(engine.namesOf("trivet:database:PoolerGuard"), []);
  });

  it("refuses a database that the console's commands could not name", () => {
    const bad = { database: 'shop"; KILL', members: [], password: "", deadlineSeconds: 40 };
    assert.deepEqual(
      problemsOf(() => renderGuardSettings(bad)),
      [
        '  - database: is "shop\\"; KILL", must be 1 to 63 letters, digits, _ or -',
        "  - members: is empty, needs at least one entry",
      ],
    );
  });
});
