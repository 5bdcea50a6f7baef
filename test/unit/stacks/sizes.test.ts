import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import {
  connectionDemand,
  holdFor,
  measuredSize,
  sizePlatform,
  smallestMachine,
} from "../../../stacks/sizes";
import { valueOf } from "../support/outputs";
import { FACTS } from "../support/platform";
import { machine, parsed } from "./config/fixture";

const machines = {
  vm1: machine(1),
  vm2: { ...machine(2), memoryMiB: 3000 },
  vm3: { ...machine(3), cores: 1 },
  app1: { ...machine(4), role: "app", memoryMiB: 512, cores: 1 },
};
const facts = {
  vm1: { ...FACTS, memoryMiB: 8000, cores: 4 },
  vm2: { ...FACTS, memoryMiB: 64_000, cores: 8 },
  vm3: { ...FACTS, memoryMiB: 16_000, cores: 32 },
  app1: FACTS,
};

describe("the smallest machine", () => {
  it("is made of the least of every core machine, as measured or as given", () => {
    assert.deepEqual(smallestMachine(parsed({ machines }), facts), { memoryMiB: 3000, cores: 1 });
  });

  it("is the only one", () => {
    assert.deepEqual(smallestMachine(parsed(), facts), { memoryMiB: 8000, cores: 4 });
  });
});

describe("the demand for connections", () => {
  it("is every worker of every replica at its busiest", () => {
    const services = {
      web: { image: "a", replicas: 3, workers: 4, connectionsPerWorker: 10 },
      jobs: { image: "a", replicas: 2, workers: 1, connectionsPerWorker: 3, routes: [] },
      idle: { image: "a", replicas: 5, connectionsPerWorker: 0, routes: [] },
    };
    assert.equal(connectionDemand(parsed({ services })), 126);
  });

  it("is none without services", () => {
    assert.equal(connectionDemand(parsed({ services: {} })), 0);
  });
});

describe("sizePlatform", () => {
  it("follows the configuration where it says something", () => {
    const size = sizePlatform(
      parsed({
        "database.memoryMiB": 512,
        "database.maxConnections": 300,
        "database.pool": { size: 33, maxClients: 444 },
        "cache.memoryMiB": 77,
      }),
      facts,
    );
    assert.equal(size.cacheMemoryMiB, 77);
    assert.equal(size.database.poolSize, 33);
    assert.equal(size.database.maxClients, 444);
    assert.equal(size.database.parameters.max_connections, 300);
    assert.equal(size.database.parameters.shared_buffers, "128MB");
  });

  for (const [memoryMiB, cache] of [
    [1024, 64],
    [2048, 64],
    [4096, 128],
    [16_384, 512],
    [65_536, 1024],
  ] as const) {
    it(`gives the cache ${cache} of ${memoryMiB} MiB`, () => {
      const measured = { vm1: { ...FACTS, memoryMiB } };
      assert.equal(sizePlatform(parsed(), measured).cacheMemoryMiB, cache);
    });
  }

  it("counts a pooler on each machine, app machines too", () => {
    const { database } = sizePlatform(parsed({ machines }), facts);
    assert.equal(database.parameters.max_connections, 190);
  });

  // Workers that keep their connections open for good, as docassemble's do.
  for (const [replicas, workers, connections] of [
    [1, 4, 5],
    [3, 16, 10],
    [10, 32, 20],
  ] as const) {
    it(`holds ${replicas} × ${workers} × ${connections} connections that stay open`, () => {
      const web = { image: "a", replicas, workers, connectionsPerWorker: connections };
      for (const list of [{ vm1: machine(1) }, machines]) {
        const config = parsed({ machines: list, services: { web } });
        const { poolSize, maxClients, parameters } = sizePlatform(config, facts).database;
        const poolers = Object.keys(config.machines).length;
        // All of them at one pooler, old and new replicas side by side during an update.
        assert.ok(maxClients >= 2 * replicas * workers * connections);
        assert.ok(Number(parameters.max_connections) >= 2 * poolSize * poolers + 30);
      }
    });
  }

  it("waits for the measurement", async () => {
    const later = pulumi.output(Promise.resolve({ ...FACTS, memoryMiB: 8000, cores: 4 }));
    assert.deepEqual(
      await valueOf(measuredSize(parsed(), { vm1: later })),
      sizePlatform(parsed(), facts),
    );
  });
});

describe("how long queries are held", () => {
  it("is less than their pooler lets them wait", () => {
    assert.deepEqual([45, 60].map(holdFor), [{}, {}]);
    assert.deepEqual(
      [1, 10, 20, 44].map(holdFor),
      [5, 5, 15, 39].map((deadlineSeconds) => ({ deadlineSeconds })),
    );
  });
});
