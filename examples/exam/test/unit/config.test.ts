import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ConfigurationError,
  type Environment,
  readConfig,
  readMigrationConfig,
} from "../../src/config";

const SECRET = "0123456789abcdef0123456789abcdef";
const good: Environment = {
  DATABASE_URL: "postgres://exam:pw@pool:6432/exam",
  REDIS_URL: "redis://:pw@cache:6379/0",
  SESSION_SECRET: SECRET,
};

function problems(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.problems;
  }
  return assert.fail("the configuration was accepted");
}

describe("config", () => {
  let folder = "";
  before(() => (folder = mkdtempSync(join(tmpdir(), "exam-config-"))));
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("has a default for everything that is not needed", () => {
    assert.deepEqual(readConfig({ ...good, REPLICA_NAME: "one" }), {
      port: 8000,
      databaseUrl: good["DATABASE_URL"],
      databaseReadUrl: good["DATABASE_URL"],
      redisUrl: good["REDIS_URL"],
      sessionSecret: SECRET,
      adminPassword: undefined,
      workers: 1,
      poolSize: 5,
      retrySeconds: 10,
      rateLimitPerMinute: 600,
      drainSeconds: 5,
      trustedProxies: ["loopback", "linklocal", "uniquelocal"],
      demo: false,
      logLevel: "info",
      replica: "one",
    });
  });

  it("lists every problem at once", () => {
    const found = problems({
      DATABASE_URL: "mysql://somewhere",
      PORT: "70000",
      WEB_CONCURRENCY: "1.5",
      DEMO: "yes",
      LOG_LEVEL: "loud",
      EXAM_ADMIN_PASSWORD: "short",
    });
    const names = found.map((problem) => problem.split(" ")[0]).sort();
    assert.deepEqual(names, [
      "DATABASE_URL",
      "DEMO",
      "EXAM_ADMIN_PASSWORD",
      "LOG_LEVEL",
      "PORT",
      "REDIS_URL",
      "SESSION_SECRET",
      "WEB_CONCURRENCY",
    ]);
  });

  it("names no secret", () => {
    const text = problems({
      DATABASE_URL: "http://user:hunter2@host",
      REDIS_URL: "hunter2",
      SESSION_SECRET: "hunter2",
      EXAM_ADMIN_PASSWORD: "hunter2",
    }).join("\n");
    assert.doesNotMatch(text, /hunter2/);
  });

  it("reads any variable from a file", () => {
    const file = join(folder, "secret");
    writeFileSync(file, `${SECRET}\n`);
    const config = readConfig({ ...good, SESSION_SECRET: undefined, SESSION_SECRET_FILE: file });
    assert.equal(config.sessionSecret, SECRET);
  });

  it("refuses a file that is missing, and a variable that is given twice", () => {
    const file = join(folder, "missing");
    assert.deepEqual(problems({ ...good, SESSION_SECRET: undefined, SESSION_SECRET_FILE: file }), [
      `SESSION_SECRET_FILE names ${file}, which cannot be read or is empty`,
    ]);
    assert.deepEqual(problems({ ...good, PORT: "80", PORT_FILE: file }), [
      "PORT and PORT_FILE are both set; keep one of them",
    ]);
  });

  it("takes an empty variable for an absent one", () => {
    assert.equal(readConfig({ ...good, PORT: "", EXAM_ADMIN_PASSWORD: "" }).port, 8000);
  });

  it("needs only the direct address for migrations", () => {
    const config = readMigrationConfig({ DATABASE_DIRECT_URL: "postgres://primary/exam" });
    assert.deepEqual(config, {
      databaseUrl: "postgres://primary/exam",
      waitSeconds: 60,
      logLevel: "info",
    });
  });
});
