import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { PinnedServiceArgs } from "../../../components/swarm/pinned-service";
import { goDuration, pinnedService } from "../../../components/swarm/pinned-service";
import { awayHost, host, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";

describe("goDuration", () => {
  const table: [number, string][] = [
    [0, "0s"],
    [1, "1s"],
    [59, "59s"],
    [60, "1m"],
    [90, "1m30s"],
    [120, "2m"],
    [3600, "1h"],
    [3601, "1h1s"],
    [3660, "1h1m"],
    [90_061, "25h1m1s"],
  ];
  for (const [seconds, text] of table) {
    it(`writes ${seconds} as ${text}`, () => {
      assert.equal(goDuration(seconds), text);
    });
  }
});

describe("pinnedService", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  async function made(args: Partial<PinnedServiceArgs> = {}) {
    const parent = new pulumi.ComponentResource("test:Parent", "parent");
    const whole = {
      service: "etcd-vm1",
      host: host("vm1", 1),
      swarm: swarmHandle(),
      image: "sha256:abc",
      healthcheck: { test: ["CMD", "true"], startSeconds: 90 },
      stopGraceSeconds: 120,
      ...args,
    };
    pinnedService("it", whole, parent);
    await engine.settled();
    return engine.get("it");
  }

  const type = "docker:index/service:Service";
  const away = (...known: string[]) => awayHost(host("vm1", 1), ...known);

  it("stays as it is while its machine is away", async () => {
    const { ignoreChanges } = await made({ host: away(`${type}::it`) });
    assert.deepEqual(ignoreChanges, ["*"]);
    await engine.install();
    const publish = [{ target: 80, published: 80 }];
    const published = await made({ host: away(`${type}::it`), publish });
    assert.deepEqual(published.ignoreChanges, ["*"]);
  });

  it("stays as it is while it is held", async () => {
    assert.deepEqual((await made({ isHeld: true })).ignoreChanges, ["*"]);
  });

  it("is left out on a machine that is away and has never had it", async () => {
    const { type: standIn, custom } = await made({ host: away(`${type}::other`) });
    assert.deepEqual([standIn, custom], ["trivet:core:LeftOut", false]);
    assert.deepEqual(engine.namesOf(type), []);
  });

  it("is one task on the network of its machine, bound to it by its label", async () => {
    const { type, inputs, provider, parent } = await made();
    assert.equal(type, "docker:index/service:Service");
    assert.equal(provider, "manager");
    assert.equal(parent, "parent");
    assert.deepEqual(inputs, {
      name: "etcd-vm1",
      mode: { replicated: { replicas: 1 } },
      labels: [
        { label: "trivet.service", value: "etcd-vm1" },
        { label: "trivet.machine", value: "vm1" },
      ],
      taskSpec: {
        containerSpec: {
          image: "sha256:abc",
          hostname: "vm1",
          healthcheck: {
            tests: ["CMD", "true"],
            interval: "10s",
            timeout: "3s",
            retries: 3,
            startPeriod: "1m30s",
          },
          mounts: [],
          stopGracePeriod: "2m",
        },
        networksAdvanceds: [{ id: "host" }],
        placement: { constraints: ["node.labels.trivet.machine==vm1"] },
        restartPolicy: { condition: "any", delay: "1s", maxAttempts: 0, window: "0s" },
        logDriver: { name: "local", options: { "max-size": "10m", "max-file": "5" } },
      },
      endpointSpec: { mode: "dnsrr" },
      updateConfig: {
        order: "stop-first",
        parallelism: 1,
        failureAction: "pause",
        monitor: "5s",
      },
      convergeConfig: { delay: "2s", timeout: "5m" },
    });
  });

  it("publishes ports of the machine itself, from the overlay", async () => {
    const { inputs } = await made({ publish: [{ target: 80, published: 8080 }] });
    assert.deepEqual(inputs.endpointSpec, {
      mode: "dnsrr",
      ports: [{ targetPort: 80, publishedPort: 8080, publishMode: "host" }],
    });
    assert.match(JSON.stringify(inputs.taskSpec), /"networksAdvanceds":\[{"id":"overlay-id"}\]/);
  });

  it("takes what a service may need more", async () => {
    const { inputs } = await made({
      command: ["nginx"],
      healthcheck: { test: ["CMD", "true"], startSeconds: 1, retries: 5 },
      configFolders: { "/etc/trivet/x": "/etc/trivet" },
      volumes: { data: "/var/lib/data" },
      sharedMemoryMiB: 256,
      memoryLimitMiB: pulumi.output(100),
      sysctls: { "net.core.somaxconn": "65535" },
      stopSignal: "SIGQUIT",
    });
    const { containerSpec, resources } = inputs.taskSpec as {
      containerSpec: unknown;
      resources: unknown;
    };
    assert.deepEqual(containerSpec, {
      image: "sha256:abc",
      hostname: "vm1",
      commands: ["nginx"],
      healthcheck: {
        tests: ["CMD", "true"],
        interval: "10s",
        timeout: "3s",
        retries: 5,
        startPeriod: "1s",
      },
      mounts: [
        { type: "bind", source: "/etc/trivet/x", target: "/etc/trivet", readOnly: true },
        { type: "volume", source: "data", target: "/var/lib/data" },
        {
          type: "tmpfs",
          target: "/dev/shm",
          tmpfsOptions: { sizeBytes: 268_435_456, mode: 0o777 },
        },
      ],
      sysctl: { "net.core.somaxconn": "65535" },
      stopGracePeriod: "2m",
      stopSignal: "SIGQUIT",
    });
    assert.deepEqual(resources, { limits: { memoryBytes: 104_857_600 } });
  });
});
