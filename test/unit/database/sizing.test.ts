import assert from "node:assert/strict";
import fc from "fast-check";
import { sizeDatabase } from "../../../components/database/sizing";

const GIB = 1024;
type Row = readonly [
  machine: readonly [gib: number, cores: number],
  demand: readonly [clients: number, poolers: number],
  pool: readonly [poolSize: number, maxClients: number],
  maxConnections: number,
  memory: readonly [sharedBuffers: number, cache: number, workMem: number, maintenance: number],
  workers: readonly [processes: number, parallel: number, perGather: number],
];

const TABLE: readonly Row[] = [
  [[1, 1], [10, 1], [20, 1000], 70, [128, 256, 7, 32], [8, 2, 1]],
  [[2, 1], [20, 1], [20, 1000], 70, [256, 512, 15, 64], [8, 2, 1]],
  [[4, 2], [80, 1], [20, 1000], 70, [512, 1024, 29, 128], [8, 2, 1]],
  [[8, 4], [400, 1], [40, 1000], 110, [1024, 2048, 37, 256], [8, 4, 2]],
  [[8, 4], [400, 3], [40, 1000], 270, [1024, 2048, 15, 256], [8, 4, 2]],
  [[16, 8], [900, 3], [80, 1800], 510, [2048, 4096, 16, 512], [8, 8, 4]],
  [[32, 16], [4000, 3], [100, 8000], 630, [4096, 8192, 26, 1024], [16, 16, 4]],
  [[64, 32], [20_000, 1], [100, 40_000], 230, [8192, 16_384, 64, 1024], [32, 32, 4]],
  [[64, 32], [30_000, 5], [100, 60_000], 1030, [8192, 16_384, 32, 1024], [32, 32, 4]],
  [[64, 32], [60_000, 5], [100, 100_000], 1030, [8192, 16_384, 32, 1024], [32, 32, 4]],
];

describe("sizeDatabase", () => {
  for (const [[gib, cores], [clients, poolers], pool, connections, memory, workers] of TABLE) {
    it(`${gib} GiB, ${cores} cores, ${clients} connections to ${poolers} poolers`, () => {
      const [poolSize, maxClients] = pool;
      const [sharedBuffers, cache, workMem, maintenance] = memory;
      const [processes, parallel, perGather] = workers;
      assert.deepEqual(sizeDatabase({ memoryMiB: gib * GIB, cores }, { clients, poolers }), {
        poolSize,
        maxClients,
        parameters: {
          max_connections: connections,
          shared_buffers: `${sharedBuffers}MB`,
          effective_cache_size: `${cache}MB`,
          work_mem: `${workMem}MB`,
          maintenance_work_mem: `${maintenance}MB`,
          max_worker_processes: processes,
          max_parallel_workers: parallel,
          max_parallel_workers_per_gather: perGather,
        },
      });
    });
  }

  const machine = { memoryMiB: 8 * GIB, cores: 4 };
  const demand = { clients: 400, poolers: 1 };

  it("takes the sizes that are given", () => {
    const given = { memoryMiB: 1024, maxConnections: 200, poolSize: 7, maxClients: 99 };
    const { poolSize, maxClients, parameters } = sizeDatabase(machine, demand, given);
    assert.deepEqual([poolSize, maxClients, parameters.max_connections], [7, 99, 200]);
    assert.equal(parameters.shared_buffers, "256MB");
  });

  it("grows Postgres with a pool that is given", () => {
    const { parameters } = sizeDatabase(machine, { clients: 1, poolers: 3 }, { poolSize: 200 });
    assert.equal(parameters.max_connections, 1230);
  });

  it("shrinks the pools to connections that are given", () => {
    const sizeOf = (maxConnections: number, poolers = 1) =>
      sizeDatabase(machine, { clients: 1, poolers }, { maxConnections }).poolSize;
    assert.deepEqual([sizeOf(100), sizeOf(100, 3), sizeOf(1000)], [35, 11, 40]);
    assert.equal(sizeOf(20), 1);
  });
});

describe("sizeDatabase, for any machine and demand", () => {
  const machine = fc.record({
    memoryMiB: fc.integer({ min: 512, max: 4 * 1024 * GIB }),
    cores: fc.integer({ min: 1, max: 1024 }),
  });
  const demand = fc.record({
    clients: fc.integer({ min: 0, max: 1_000_000 }),
    poolers: fc.integer({ min: 1, max: 12 }),
  });
  const megabytes = (value: string | number | undefined) =>
    Number(/^(\d+)MB$/.exec(String(value))?.[1]);

  it("lets Postgres accept both pools of every pooler and 30 more", () => {
    fc.assert(
      fc.property(machine, demand, fc.option(fc.integer({ min: 1, max: 1000 })), (m, d, pool) => {
        const given = pool === null ? {} : { poolSize: pool };
        const { poolSize, parameters } = sizeDatabase(m, d, given);
        assert.ok(Number(parameters.max_connections) >= d.poolers * 2 * poolSize + 30);
      }),
    );
  });

  it("never opens more than a limit that is given accepts", () => {
    fc.assert(
      fc.property(machine, demand, fc.integer({ min: 54, max: 10_000 }), (m, d, maxConnections) => {
        const { poolSize, parameters } = sizeDatabase(m, d, { maxConnections });
        assert.equal(parameters.max_connections, maxConnections);
        assert.ok(poolSize >= 1);
        assert.ok(d.poolers * 2 * poolSize + 30 <= maxConnections);
      }),
    );
  });

  it("lets one pooler take everybody's connections twice, up to what it can hold", () => {
    fc.assert(
      fc.property(machine, demand, (m, d) => {
        const { maxClients, poolSize } = sizeDatabase(m, d);
        assert.ok(maxClients >= Math.min(100_000, d.clients * 2));
        assert.ok(maxClients >= 1000 && maxClients >= poolSize);
      }),
    );
  });

  it("keeps memory within the share that it may use", () => {
    fc.assert(
      fc.property(machine, demand, (m, d) => {
        const { parameters } = sizeDatabase(m, d);
        const share = m.memoryMiB / 2;
        const workMem = megabytes(parameters.work_mem);
        const sorts = (workMem * Number(parameters.max_connections)) / 4;
        assert.ok(megabytes(parameters.shared_buffers) <= Math.max(64, share / 4 + 1));
        assert.ok(megabytes(parameters.effective_cache_size) <= Math.max(128, share / 2 + 1));
        assert.ok(megabytes(parameters.maintenance_work_mem) <= Math.max(32, share / 16 + 1));
        assert.ok(workMem === 2 || sorts <= share / 4 + Number(parameters.max_connections) / 8);
      }),
    );
  });

  it("gives whole numbers only", () => {
    fc.assert(
      fc.property(machine, demand, (m, d) => {
        const { poolSize, maxClients, parameters } = sizeDatabase(m, d);
        for (const value of [poolSize, maxClients, ...Object.values(parameters)]) {
          assert.match(String(value), /^\d+(MB)?$/);
        }
      }),
    );
  });
});
