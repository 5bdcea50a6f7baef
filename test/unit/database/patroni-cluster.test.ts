import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import type { EtcdEndpoints } from "../../../components/database/etcd-cluster";
import { ClusterCertificates } from "../../../components/database/certificates";
import type { PatroniClusterArgs } from "../../../components/database/patroni-cluster";
import {
  BASE_PARAMETERS,
  OWNED_PARAMETERS,
  PATRONI_DEFAULTS,
  PatroniCluster,
} from "../../../components/database/patroni-cluster";
import {
  renderAccessRules,
  renderDynamicConfig,
  renderPatroniConfig,
  SWITCHOVER,
} from "../../../components/database/patroni-files";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { failuresOf, problemsOf, valueOf } from "../support/outputs";
import { hosts, keyOf, passwordOf, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";
import { filesIn } from "../support/script-input";

const FILE = "components/database/patroni-cluster.ts";
const ROLES = ["superuser", "replication", "rewind", "rest", "application"];

describe("PatroniCluster", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  function etcd(count: number): EtcdEndpoints {
    const { members } = new ClusterCertificates("etcd", hosts(count));
    const addresses = hosts(count).map((_, i) => `10.0.0.${i + 1}:2379`);
    return { addresses: pulumi.output(addresses), certificates: members };
  }
  const args = (count: number): PatroniClusterArgs => ({
    hosts: hosts(count),
    swarm: swarmHandle(),
    etcd: etcd(count),
    image: "sha256:postgres",
  });
  async function made(count: number, given: Partial<PatroniClusterArgs> = {}) {
    const cluster = new PatroniCluster("postgres", { ...args(count), ...given });
    await engine.settled();
    return cluster;
  }
  const settings = {
    ttl: 20,
    loopWait: 5,
    retryTimeout: 5,
    parameters: { ...BASE_PARAMETERS },
  };
  const passwords = {
    superuser: passwordOf("postgres-superuser"),
    replication: passwordOf("postgres-replication"),
    rewind: passwordOf("postgres-rewind"),
    rest: passwordOf("postgres-rest"),
  };

  for (const count of [1, 3]) {
    it(`runs a member on each of ${count}, with its own file`, async () => {
      const cluster = await made(count);
      const members = hosts(count).map(({ name }, i) => ({ name, address: `10.0.0.${i + 1}` }));
      assert.deepEqual(
        engine.namesOf("docker:index/service:Service"),
        members.map(({ name }) => `postgres-${name}`),
      );
      assert.deepEqual(cluster.members, members);
      for (const { name } of members) {
        assert.equal(cluster.services[name], `postgres-${name}`);
        const { words, data } = engine.script(`postgres-${name}-files`);
        const files = filesIn(data);
        const etcdAddresses = members.map(({ address }) => `${address}:2379`);
        const config = { cluster: "postgres", name, members, etcdAddresses, passwords, settings };
        assert.deepEqual(files["/etc/trivet/postgres/patroni.yml"], {
          mode: "0400",
          owner: "64802:64802",
          content: renderPatroniConfig(config),
        });
        assert.deepEqual(files["/etc/trivet/postgres/member-key.pem"], {
          mode: "0400",
          owner: "64802:64802",
          content: keyOf(`etcd-${name}-key`),
        });
        assert.equal(Object.keys(files).length, 4);
        assert.deepEqual(words, [
          `docker ps -q --filter label=com.docker.swarm.service.name=postgres-${name} | xargs -r docker kill --signal HUP >/dev/null`,
        ]);
        const { dependsOn } = engine.get(`postgres-${name}`);
        assert.ok(dependsOn.includes(`postgres-${name}-files`));
      }
    });
  }

  it("has a member that is the primary switch over before its image changes", async () => {
    await made(3);
    for (const name of ["vm1", "vm2", "vm3"]) {
      const { words } = engine.script(`postgres-${name}-handover`);
      const known = [`postgres-${name}`, name, "sha256:postgres", "/tmp/trivet-switchover"];
      assert.deepEqual(words, [...known, SWITCHOVER, "8008"]);
      assert.ok(engine.get(`postgres-${name}`).dependsOn.includes(`postgres-${name}-handover`));
    }
  });

  it("has nobody to switch over to where it is alone", async () => {
    await made(1);
    assert.ok(!engine.made.some(({ name }) => name === "postgres-vm1-handover"));
  });

  it("hands the settings over once every member is started, then makes the roles", async () => {
    await made(3, { startSeconds: 60 });
    const settle = engine.script("postgres-settings");
    const members = ["10.0.0.1:8008", "10.0.0.2:8008", "10.0.0.3:8008"];
    assert.deepEqual(settle.words, ["60", ...members]);
    const [rest, json, end] = settle.data.split("\n");
    assert.deepEqual([rest, end], [passwords.rest, ""]);
    assert.deepEqual(JSON.parse(json ?? ""), renderDynamicConfig(settings));
    const started = ["postgres-vm1", "postgres-vm2", "postgres-vm3"];
    for (const name of started) {
      assert.ok(engine.get("postgres-settings").dependsOn.includes(name), name);
    }
    const roles = engine.script("postgres-roles");
    assert.deepEqual(roles.words, ["postgres-vm1", "app", "app", "60", ...members]);
    assert.equal(roles.data, `${passwords.superuser}\n${passwordOf("postgres-application")}\n`);
    for (const name of started) {
      const given = engine.script(`${name}-passwords`);
      assert.deepEqual(given.words, [name, "60"]);
      const { superuser, replication, rewind } = passwords;
      assert.equal(given.data, `${superuser}\n${replication}\n${rewind}\n`);
      assert.ok(engine.get(`${name}-passwords`).dependsOn.includes("postgres-settings"));
      assert.ok(engine.get("postgres-roles").dependsOn.includes(`${name}-passwords`));
    }
  });

  it("lets further machines log in, and makes no members of them", async () => {
    const cluster = await made(3, { clients: [pulumi.output("10.0.0.8"), "10.0.0.9"] });
    const members = hosts(3).map(({ name }, i) => ({ name, address: `10.0.0.${i + 1}` }));
    assert.deepEqual(cluster.members, members);
    for (const { name } of members) {
      const files = filesIn(engine.script(`postgres-${name}-files`).data);
      const text = files["/etc/trivet/postgres/patroni.yml"]?.content ?? "";
      const { postgresql } = parse(text) as { postgresql: { pg_hba: string[] } };
      const clients = ["10.0.0.8", "10.0.0.9"];
      assert.deepEqual(postgresql.pg_hba, renderAccessRules(members, clients));
    }
  });

  it("gives Postgres time to write its checkpoint, and shared memory", async () => {
    await made(1);
    const { containerSpec } = engine.get("postgres-vm1").inputs.taskSpec as {
      containerSpec: Record<string, unknown>;
    };
    assert.equal(containerSpec.image, "sha256:postgres");
    assert.equal(containerSpec.stopGracePeriod, "2m");
    assert.deepEqual(containerSpec.healthcheck, {
      tests: ["CMD", "curl", "-fsS", "http://10.0.0.1:8008/liveness"],
      interval: "10s",
      timeout: "3s",
      retries: 3,
      startPeriod: "1m",
    });
    assert.deepEqual(containerSpec.mounts, [
      { type: "bind", source: "/etc/trivet/postgres", target: "/etc/trivet", readOnly: true },
      { type: "volume", source: "trivet-postgres", target: "/var/lib/postgresql/data" },
      { type: "tmpfs", target: "/dev/shm", tmpfsOptions: { sizeBytes: 268_435_456, mode: 0o777 } },
    ]);
  });

  it("lets parameters win over the base, and names the database", async () => {
    const parameters = pulumi.output({ max_connections: 70, max_wal_senders: 20 });
    const times = { ttlSeconds: 30, loopWaitSeconds: 10, retryTimeoutSeconds: 10 };
    const database = { name: "shop", user: "shopper" };
    const cluster = await made(1, { parameters, times, database });
    assert.deepEqual([cluster.database, cluster.user], ["shop", "shopper"]);
    assert.deepEqual(engine.script("postgres-roles").words.slice(1, 3), ["shopper", "shop"]);
    assert.deepEqual(
      JSON.parse(engine.script("postgres-settings").data.split("\n")[1] ?? ""),
      renderDynamicConfig({
        ttl: 30,
        loopWait: 10,
        retryTimeout: 10,
        parameters: { ...BASE_PARAMETERS, max_connections: 70, max_wal_senders: 20 },
      }),
    );
  });

  it("makes passwords of 32 letters and digits, and tells none", async () => {
    const cluster = await made(3);
    assert.deepEqual(
      engine.namesOf("random:index/randomPassword:RandomPassword"),
      ROLES.map((role) => `postgres-${role}`).sort(),
    );
    for (const role of ROLES) {
      assert.deepEqual(engine.get(`postgres-${role}`).inputs, { length: 32, special: false });
    }
    assert.equal(await valueOf(cluster.password), passwordOf("postgres-application"));
    assert.equal(await pulumi.isSecret(cluster.password), true);
    assertNoLeak(engine.made, [
      ...ROLES.map((role) => passwordOf(`postgres-${role}`)),
      keyOf("etcd-vm2-key").trimEnd(),
    ]);
  });

  it("waits for what it is told to wait for", async () => {
    const before = new ClusterCertificates("before", hosts(1));
    new PatroniCluster("postgres", args(3), { dependsOn: [before] });
    await engine.settled();
    for (const name of ["files", "settings", "roles"].map((part) => `postgres-vm3-${part}`)) {
      const found = engine.get(name.replace(/-vm3-(?=settings|roles)/, "-"));
      assert.ok(found.dependsOn.includes("before-vm1-certificate"), name);
    }
    assert.ok(engine.get("postgres-vm3").dependsOn.includes("before-vm1-certificate"));
  });

  it("has the defaults that its documentation names", async () => {
    assert.deepEqual(
      PATRONI_DEFAULTS,
      documentedDefaults(FILE, "PatroniTimes", "ApplicationDatabase"),
    );
    await made(1);
    const startSeconds = Number(engine.script("postgres-settings").words[0]);
    assert.deepEqual(documentedDefaults(FILE, "PatroniClusterArgs"), {
      parameters: {},
      clients: [],
      startSeconds,
    });
  });

  const identifier =
    "must be 1 to 63 lower-case letters, digits or _, starting with a letter, and none of postgres, replicator, rewinder";
  const bad: [string, Partial<PatroniClusterArgs>, ...string[]][] = [
    [
      "two members",
      { hosts: hosts(2) },
      "hosts: has 2 entries, must have 1, 3 or 5: an even number survives no more failures than one fewer",
    ],
    [
      "a short lease",
      { times: { ttlSeconds: 19 } },
      "times.ttlSeconds: is 19, must be a whole number from 20 to 300",
    ],
    [
      "no pause",
      { times: { loopWaitSeconds: 0 } },
      "times.loopWaitSeconds: is 0, must be a whole number from 1 to 60",
    ],
    [
      "a short retry",
      { times: { retryTimeoutSeconds: 2 } },
      "times.retryTimeoutSeconds: is 2, must be a whole number from 3 to 60",
    ],
    [
      "a lease that retries outlast",
      { times: { loopWaitSeconds: 11 } },
      "times: loopWaitSeconds + 2 × retryTimeoutSeconds is 21, must not exceed ttlSeconds (20)",
    ],
    [
      "an odd database",
      { database: { name: "My-App" } },
      `database.name: is "My-App", ${identifier}`,
    ],
    [
      "a role of the platform",
      { database: { user: "replicator" } },
      `database.user: is "replicator", ${identifier}`,
    ],
    [
      "a long role",
      { database: { user: "a".repeat(64) } },
      `database.user: is "${"a".repeat(64)}", ${identifier}`,
    ],
    [
      "a short start",
      { startSeconds: 29 },
      "startSeconds: is 29, must be a whole number from 30 to 86400",
    ],
  ];
  for (const [title, given, problem] of bad) {
    it(`refuses ${title}, and makes nothing`, () => {
      const swarm = swarmHandle();
      const none = { addresses: pulumi.output([""]), certificates: {} };
      const whole = { hosts: hosts(1), swarm, etcd: none, image: "x", ...given };
      assert.deepEqual(
        problemsOf(() => new PatroniCluster("postgres", whole)),
        [`  - ${problem}`],
      );
      assert.deepEqual(engine.namesOf("trivet:database:PatroniCluster"), []);
    });
  }

  it("refuses parameters that are its own, also when they are known late", async () => {
    assert.ok(Object.keys(BASE_PARAMETERS).includes("wal_level"));
    const given = Object.fromEntries(OWNED_PARAMETERS.map((name) => [name, "x"]));
    const parameters = pulumi.output(Promise.resolve({ ...given, work_mem: "8MB" }));
    const make = () => new PatroniCluster("postgres", { ...args(1), parameters });
    const failures = await failuresOf(make);
    assert.ok(failures.length > 0);
    for (const failure of failures) {
      const told = failure.split("\n").slice(1);
      assert.deepEqual(
        told,
        OWNED_PARAMETERS.map(
          (name) => `  - parameters.${name}: is set by the platform and cannot be changed here`,
        ),
      );
    }
    assert.ok(!engine.names().includes("postgres-vm1"));
  });
});
