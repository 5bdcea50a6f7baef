import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { healthCommand, OWNED_VARIABLES } from "../../../components/web/app-environment";
import type { AppServiceArgs } from "../../../components/web/app-service";
import { APP_DEFAULTS, AppService } from "../../../components/web/app-service";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { problemsOf, valueOf } from "../support/outputs";
import { host, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";

const DATABASE_PASSWORD = "database/password-4711";
const CACHE_PASSWORD = "cache-password-0815";
const FILE = "components/web/app-args.ts";

describe("AppService", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const base = (): AppServiceArgs => ({
    swarm: swarmHandle(),
    manager: host("vm1", 1),
    image: pulumi.output("sha256:app"),
  });
  const backends = (dependsOn: pulumi.Resource[] = []) => ({
    database: "shop",
    user: "shopper",
    databasePassword: pulumi.secret(DATABASE_PASSWORD),
    cachePassword: pulumi.secret(CACHE_PASSWORD),
    gatewayAddress: "10.212.0.1",
    dependsOn,
  });
  async function made(args: Partial<AppServiceArgs> = {}) {
    const service = new AppService("web", { ...base(), ...args });
    await engine.settled();
    return { service, ...engine.get("web") };
  }
  async function containerSpec(args: Partial<AppServiceArgs>) {
    const { inputs } = await made(args);
    return (inputs.taskSpec as { containerSpec: Record<string, unknown> }).containerSpec;
  }

  it("with nothing but an image has every default", async () => {
    const { service, inputs, provider, secretInputs } = await made();
    const update = { order: "start-first", parallelism: 1, monitor: "10s" };
    assert.deepEqual(inputs, {
      name: "web",
      mode: { replicated: { replicas: 2 } },
      labels: [{ label: "trivet.service", value: "web" }],
      taskSpec: {
        containerSpec: {
          image: "sha256:app",
          env: {},
          secrets: [],
          healthcheck: {
            tests: ["CMD-SHELL", healthCommand(8000, "/health")],
            interval: "5s",
            timeout: "5s",
            retries: 12,
            startPeriod: "1m",
          },
          stopGracePeriod: "30s",
        },
        networksAdvanceds: [{ id: "overlay-id" }],
        placement: { prefs: ["spread=node.labels.trivet.machine"] },
        restartPolicy: { condition: "any", delay: "1s", maxAttempts: 0, window: "0s" },
        resources: {
          limits: { memoryBytes: 536_870_912 },
          reservation: { memoryBytes: 67_108_864 },
        },
        logDriver: { name: "local", options: { "max-size": "10m", "max-file": "5" } },
      },
      endpointSpec: { mode: "dnsrr" },
      updateConfig: { ...update, failureAction: "rollback" },
      rollbackConfig: { ...update, failureAction: "pause" },
      convergeConfig: { delay: "2s", timeout: "4m20s" },
    });
    assert.equal(provider, "manager");
    assert.deepEqual(secretInputs, []);
    assert.equal(await valueOf(service.serviceName), "web");
    assert.deepEqual(engine.names(), ["manager", "web", "web", "web-try"]);
  });

  it("takes what is given", async () => {
    const { inputs } = await made({
      ...{ port: 3000, health: "/ok?x=1", replicas: 0, command: ["node", "server.js"] },
      ...{ memoryMiB: 100, reservedMemoryMiB: 100, cpus: 1.5, reservedCpus: 0.25 },
      ...{ startSeconds: 120, stopGraceSeconds: 45, monitorSeconds: 5, unhealthySeconds: 21 },
    });
    const text = JSON.stringify(inputs);
    assert.deepEqual(inputs.mode, { replicated: { replicas: 0 } });
    assert.ok(text.includes(JSON.stringify(healthCommand(3000, "/ok?x=1"))));
    assert.match(text, /"commands":\["node","server.js"\]/);
    assert.match(text, /"limits":{"memoryBytes":104857600,"nanoCpus":1500000000}/);
    assert.match(text, /"reservation":{"memoryBytes":104857600,"nanoCpus":250000000}/);
    assert.match(text, /"startPeriod":"2m"/);
    assert.match(text, /"retries":5/);
    assert.match(text, /"stopGracePeriod":"45s"/);
    assert.match(text, /"monitor":"5s"/);
  });

  const OWN = ["DATABASE_DIRECT_URL", "DATABASE_PASSWORD", "DATABASE_READ_URL", "DATABASE_URL"];
  const SECRETS = [...OWN, "REDIS_PASSWORD", "REDIS_URL", "SESSION_KEY"];

  it("finds its backends by name, and its secrets as files", async () => {
    const spec = await containerSpec({
      backends: backends(),
      env: { DEMO: "1", LATER: pulumi.output("2") },
      secrets: { SESSION_KEY: "session-key-of-the-shop" },
    });
    assert.deepEqual(spec.hosts, [
      { host: "database", ip: "10.212.0.1" },
      { host: "cache", ip: "10.212.0.1" },
    ]);
    assert.deepEqual(spec.env, {
      DATABASE_HOST: "database",
      DATABASE_PORT: "6432",
      DATABASE_DIRECT_PORT: "5000",
      DATABASE_NAME: "shop",
      DATABASE_USER: "shopper",
      REDIS_HOST: "cache",
      REDIS_PORT: "6380",
      DEMO: "1",
      LATER: "2",
      ...Object.fromEntries(SECRETS.map((name) => [`${name}_FILE`, `/run/secrets/${name}`])),
    });
    const mounted = spec.secrets as { fileName: string }[];
    assert.deepEqual(
      [...mounted].sort((a, b) => (a.fileName < b.fileName ? -1 : 1)),
      SECRETS.map((name) => ({
        secretId: `web-${name}-id`,
        secretName: `web-${name}-1a2b3c`,
        fileName: `/run/secrets/${name}`,
        fileMode: 0o444,
      })),
    );
    assert.deepEqual(
      engine.namesOf("docker:index/secret:Secret"),
      SECRETS.map((name) => `web-${name}`),
    );
    const { data } = engine.get("web-DATABASE_URL").inputs;
    assert.equal(
      Buffer.from(String(data), "base64").toString("utf8"),
      "postgresql://shopper:database%2Fpassword-4711@database:6432/shop",
    );
  });

  it("tells no secret, in the command that migrates neither", async () => {
    const secrets = { SESSION_KEY: "session-key-of-the-shop" };
    await made({ backends: backends(), secrets, migrate: ["npm", "run", "migrate"] });
    assertNoLeak(engine.made, [DATABASE_PASSWORD, CACHE_PASSWORD, secrets.SESSION_KEY]);
    assert.deepEqual(engine.get("web").secretInputs, []);
  });

  it("puts secrets into the environment only when told so, marked as such", async () => {
    const secrets = { SESSION_KEY: "session-key-of-the-shop" };
    const spec = await containerSpec({ backends: backends(), secrets, secretsInEnvironment: true });
    const env = spec.env as Record<string, string>;
    assert.equal(env.SESSION_KEY, secrets.SESSION_KEY);
    assert.equal(env.DATABASE_PASSWORD, DATABASE_PASSWORD);
    assertNoLeak(engine.made, [DATABASE_PASSWORD, CACHE_PASSWORD, secrets.SESSION_KEY]);
    assert.deepEqual(engine.get("web").secretInputs, ["taskSpec"]);
  });

  it("migrates on a manager, before the new version starts", async () => {
    const ready = new random.RandomPassword("ready", { length: 8 });
    await made({
      backends: backends([ready]),
      env: { DEMO: "a b" },
      secrets: { KEY: "line 1\nline 2" },
      migrate: ["npm", "run", "my migrate"],
    });
    const { words, data } = engine.script("web-migrate");
    const parts = [
      "DATABASE_HOST=database",
      "DATABASE_PORT=6432",
      "DATABASE_DIRECT_PORT=5000",
      "DATABASE_NAME=shop",
      "DATABASE_USER=shopper",
      "REDIS_HOST=cache",
      "REDIS_PORT=6380",
      "DEMO=a b",
    ];
    assert.deepEqual(words, [
      ...["sha256:app", "10.212.0.1", "10.212.0.1", "overlay-id", "false", String(parts.length)],
      ...parts,
      ...["npm", "run", "my migrate"],
    ]);
    const sent = Object.fromEntries(
      data
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ").map((word, i) => (i === 0 ? word : decoded(word)))),
    ) as Record<string, string>;
    assert.deepEqual(
      Object.keys(sent).sort(),
      [...OWN, "KEY", "REDIS_PASSWORD", "REDIS_URL"].sort(),
    );
    assert.equal(sent.KEY, "line 1\nline 2");
    assert.equal(sent.DATABASE_PASSWORD, DATABASE_PASSWORD);
    assert.deepEqual(engine.get("web-migrate").dependsOn, ["ready"]);
    assert.ok(engine.get("web-try").dependsOn.includes("web-migrate"));
    assert.ok(engine.get("web").dependsOn.includes("web-try"));
    assert.ok(engine.get("web").dependsOn.includes("ready"));
    assert.equal(
      (engine.get("web-migrate").inputs.connection as { host: string }).host,
      "203.0.113.1",
    );
  });
  const decoded = (word: string) => Buffer.from(word, "base64").toString("utf8");

  it("migrates without backends too", async () => {
    await made({ migrate: ["true"] });
    assert.deepEqual(engine.script("web-migrate").words, [
      ...["sha256:app", "10.212.0.1", "10.212.0.1", "overlay-id", "false", "0", "true"],
    ]);
  });

  it("waits for what it is told to wait for", async () => {
    const before = new AppService("before", base());
    const args = { ...base(), secrets: { KEY: "x" }, migrate: ["true"] };
    new AppService("web", args, { dependsOn: before });
    await engine.settled();
    for (const name of ["web", "web-KEY", "web-migrate", "web-try"]) {
      assert.ok(engine.get(name).dependsOn.includes("before"), name);
    }
  });

  it("has the defaults that its documentation names", () => {
    const parts = ["ReplicaResources", "ReplicaLifecycle", "AppServiceArgs"];
    const documented = documentedDefaults(FILE, ...parts);
    const empty = { env: {}, secrets: {}, secretsInEnvironment: false };
    const reservedMemoryMiB = `${APP_DEFAULTS.reservedMemoryMiB}, or memoryMiB if that is less`;
    assert.deepEqual(documented, { ...APP_DEFAULTS, ...empty, reservedMemoryMiB });
  });

  for (const [memoryMiB, reserved] of [
    [16, 16],
    [63, 63],
    [65, 64],
  ] as const) {
    it(`promises ${reserved} MiB of a limit of ${memoryMiB}, unless it is told how much`, async () => {
      const { resources } = (await made({ memoryMiB })).inputs.taskSpec as { resources: unknown };
      assert.deepEqual(resources, {
        limits: { memoryBytes: memoryMiB * 1_048_576 },
        reservation: { memoryBytes: reserved * 1_048_576 },
      });
    });
  }

  const whole = (value: number, low: number, high: number) =>
    `is ${value}, must be a whole number from ${low} to ${high}`;
  const wrongHealth = (path: string) => `health: is "${path}", must be a path like /health`;
  const bad: [string, Partial<AppServiceArgs>, ...string[]][] = [
    ["port 0", { port: 0 }, `port: ${whole(0, 1, 65_535)}`],
    ["too many replicas", { replicas: 1001 }, `replicas: ${whole(1001, 0, 1000)}`],
    ["half a replica", { replicas: 0.5 }, `replicas: ${whole(0.5, 0, 1000)}`],
    ["a health URL", { health: "http://x" }, wrongHealth("http://x")],
    ["a health path that ends its quote", { health: "/'" }, wrongHealth("/'")],
    ["a health path of two words", { health: "/a b" }, wrongHealth("/a b")],
    ["little memory", { memoryMiB: 15 }, `memoryMiB: ${whole(15, 16, 1_048_576)}`],
    [
      "more promised than allowed",
      { memoryMiB: 100, reservedMemoryMiB: 101 },
      `reservedMemoryMiB: ${whole(101, 0, 100)}`,
    ],
    ["negative CPU", { cpus: -1 }, "cpus: is -1, must be a number from 0 to 256"],
    [
      "a promise of no number",
      { reservedCpus: Number.NaN },
      "reservedCpus: is NaN, must be a number from 0 to 256",
    ],
    ["no time to start", { startSeconds: 0 }, `startSeconds: ${whole(0, 1, 3600)}`],
    ["no time to stop", { stopGraceSeconds: 0 }, `stopGraceSeconds: ${whole(0, 1, 3600)}`],
    ["no time to watch", { monitorSeconds: 3601 }, `monitorSeconds: ${whole(3601, 1, 3600)}`],
    ["no failing check at all", { unhealthySeconds: 4 }, `unhealthySeconds: ${whole(4, 5, 3600)}`],
    [
      "names that are none",
      { env: { "A-B": "" }, secrets: { "1": "" } },
      "env.A-B: is not a name of a variable",
      "secrets.1: is not a name of a variable",
    ],
  ];
  for (const [title, args, ...problems] of bad) {
    it(`refuses ${title}, and makes nothing`, () => {
      assert.deepEqual(
        problemsOf(() => new AppService("web", { ...base(), ...args })),
        problems.map((problem) => `  - ${problem}`),
      );
      assert.deepEqual(engine.namesOf("trivet:web:AppService"), []);
    });
  }

  it("refuses a name that is none", () => {
    assert.deepEqual(
      problemsOf(() => new AppService("Web_1", base())),
      [
        '  - name: is "Web_1", must be 1 to 63 lower-case letters, digits or hyphens, starting with a letter',
      ],
    );
  });

  it("keeps the platform's variables to itself, where it sets them", async () => {
    const own = Object.fromEntries(OWNED_VARIABLES.map((name) => [name, "x"]));
    for (const list of ["env", "secrets"] as const) {
      assert.deepEqual(
        problemsOf(() => new AppService("web", { ...base(), backends: backends(), [list]: own })),
        OWNED_VARIABLES.map((name) => `  - ${list}.${name}: is set by the platform`),
      );
    }
    assert.deepEqual((await containerSpec({ env: { DATABASE_URL: "mine" } })).env, {
      DATABASE_URL: "mine",
    });
  });
});
