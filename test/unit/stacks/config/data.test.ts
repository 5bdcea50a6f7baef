import assert from "node:assert/strict";
import { OWNED_PARAMETERS } from "../../../../components/database/patroni-cluster";
import { changed, machine, parsed, problemsOf, table, type Row } from "./fixture";

const IDENTIFIER =
  "must be 1 to 63 lower-case letters, digits or underscores, starting with a letter or underscore, and not a name that Postgres or the platform uses: app";
const PARAMETER = "must be named like a setting of Postgres, such as work_mem";
const wrongName = (field: string, value: string): Row => [
  { [`database.${field}`]: value },
  `database.${field}: is ${JSON.stringify(value)}, ${IDENTIFIER}`,
];
const owned = (name: string): Row => [
  { "database.parameters": { [name]: "x" } },
  `database.parameters.${name}: is set by the platform: remove it`,
];

describe("configuration: database", () => {
  table([
    [{ database: { name: "a".repeat(63), user: "_shop1", memoryMiB: 2048, maxConnections: 200 } }],
    ...[
      "postgres",
      "template1",
      "replicator",
      "App",
      "1a",
      'a"b',
      "a$b",
      "ünal",
      "a b",
      "a".repeat(64),
    ].map((value) => wrongName("name", value)),
    ...["postgres", "replicator", "pg_monitor", "public", "x\ny"].map((value) =>
      wrongName("user", value),
    ),
    [
      { "database.memoryMiB": 63 },
      "database.memoryMiB: is 63, must be a whole number from 64 to 16777216",
    ],
    [
      { "database.maxConnections": 5 },
      "database.maxConnections: is 5, must be a whole number from 20 to 10000",
    ],
    [
      {
        "database.parameters": {
          work_mem: "16MB",
          "auto_explain.log_analyze": true,
          random_page_cost: 1.1,
        },
      },
    ],
    [
      { "database.parameters": { "work mem": "16MB" } },
      `database.parameters["work mem"]: ${PARAMETER}`,
    ],
    [
      { "database.parameters": { work_mem: "16MB\nport = 1" } },
      "database.parameters.work_mem: must be text on one line",
    ],
    [
      { "database.parameters": { work_mem: ["16MB"] } },
      "database.parameters.work_mem: is a list, must be text, a number, true or false",
    ],
    [
      { "database.parameters": { max_connections: 500 } },
      "database.parameters.max_connections: is set by the platform: use trivet:database.maxConnections",
    ],
    ...[...OWNED_PARAMETERS, "max_wal_senders", "restore_command", "archive_command"].map(owned),
    [
      { "database.pool.size": 0 },
      "database.pool.size: is 0, must be a whole number from 1 to 1000",
    ],
    [
      { "database.pool.waitSeconds": 0 },
      "database.pool.waitSeconds: is 0, must be a whole number from 1 to 3600",
    ],
    [
      { "database.pool": { size: 50, maxClients: 40 } },
      "database.pool.maxClients: is 40, must be at least trivet:database.pool.size (50)",
    ],
    [
      { database: { maxConnections: 40, pool: { size: 50 } } },
      "database.pool.size: is 50, must be at most trivet:database.maxConnections (40)",
    ],
    [{ database: { maxConnections: 40, pool: "x" } }, "database.pool: is text, must be a mapping"],
    [{ "database.pool.sise": 5 }, 'database.pool.sise: is unknown, did you mean "size"?'],
  ]);

  it("fills the defaults", () => {
    const router = { maxConnections: 4000 };
    const expected = {
      name: "app",
      user: "app",
      parameters: {},
      pool: { waitSeconds: 45 },
      router,
    };
    assert.deepEqual(parsed().database, expected);
  });
});

describe("configuration: pools of every machine and the connections that Postgres accepts", () => {
  const four = {
    ...{ vm1: machine(1), vm2: machine(2), vm3: machine(3) },
    app1: { ...machine(4), role: "app" },
  };
  const database = (maxConnections: number, size: number) => ({
    database: { maxConnections, pool: { size } },
  });
  const tooFew = (maxConnections: number, poolers: number, size: number, needed: number) =>
    `database.maxConnections: is ${maxConnections}, but ${poolers} poolers with two pools of ${size} and direct connections need ${needed}: raise it, or lower trivet:database.pool.size`;

  table([
    [database(70, 20)],
    [{ machines: four, ...database(190, 20) }],
    [{ machines: four, ...database(189, 20) }, tooFew(189, 4, 20, 190)],
    [{ machines: four, ...database(2000, 1000) }, tooFew(2000, 4, 1000, 8030)],
    [{ machines: four, "database.maxConnections": 100 }],
    [{ machines: four, "database.pool.size": 1000 }],
    [
      { machines: four, ...database(20, 50) },
      "database.pool.size: is 50, must be at most trivet:database.maxConnections (20)",
    ],
  ]);

  it("refuses one connection too few on one machine", () => {
    const problems = problemsOf(changed(database(69, 20)));
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /^trivet:database\.maxConnections: is 69, but .* need 70: /);
  });
});

describe("configuration: cache", () => {
  table([
    [{ "cache.memoryMiB": 16 }],
    [{ "cache.memoryMiB": 15 }, "cache.memoryMiB: is 15, must be a whole number from 16 to 65536"],
    [{ "cache.memory": 64 }, 'cache.memory: is unknown, did you mean "memoryMiB"?'],
  ]);

  it("fills the defaults", () => {
    assert.deepEqual(parsed().cache, {});
  });
});
