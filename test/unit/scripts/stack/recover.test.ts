import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  dropBrokenAttributes,
  isAlive,
  forgetPending,
  judgeLock,
  readPending,
  locksOf,
  releaseDeadLock,
} from "../../../../scripts/stack/recover";

const LOCK = { pid: 4711, hostname: "desk", username: "ops" };

describe("judgeLock", () => {
  it("releases that of a process of this machine which is gone, and of no other", () => {
    assert.equal(
      judgeLock(LOCK, "desk", () => false),
      "release",
    );
    assert.equal(
      judgeLock(LOCK, "desk", () => true),
      "wait",
    );
    assert.equal(
      judgeLock(LOCK, "laptop", () => false),
      "ask",
    );
  });
});

describe("isAlive", () => {
  it("tells a process that runs from one that has ended", () => {
    const { pid } = spawnSync("true");
    assert.equal(isAlive(process.pid), true);
    assert.equal(isAlive(1), true, "the first process, which is somebody else's");
    assert.equal(isAlive(pid), false);
  });
});

describe("locksOf", () => {
  const folder = mkdtempSync(join(tmpdir(), "trivet locks-"));
  const backend = pathToFileURL(folder).href;
  const locks = join(folder, ".pulumi", "locks", "organization", "trivet", "prod");
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("finds none where there is none", () => {
    assert.deepEqual(locksOf(backend, "trivet", "prod"), []);
    assert.deepEqual(locksOf("s3://bucket", "trivet", "prod"), []);
    assert.deepEqual(locksOf("file://~/state", "trivet", "prod"), []);
  });

  it("reads those of the stack alone, and steps over one that is being written", () => {
    mkdirSync(locks, { recursive: true });
    mkdirSync(join(locks, "..", "other"));
    writeFileSync(join(locks, "a.json"), JSON.stringify({ ...LOCK, timestamp: "2026-01-01" }));
    writeFileSync(join(locks, "b.json"), "");
    writeFileSync(join(locks, "..", "other", "c.json"), JSON.stringify(LOCK));
    assert.deepEqual(locksOf(backend, "trivet", "prod"), [LOCK]);
  });
});

describe("attributes beside a state", () => {
  const folder = mkdtempSync(join(tmpdir(), "trivet-attributes-"));
  const backend = pathToFileURL(folder).href;
  const path = join(folder, ".pulumi", "stacks", "trivet", "prod.json.attrs");
  const drop = (address = backend) => dropBrokenAttributes(address, "trivet", "prod");
  before(() => {
    mkdirSync(join(path, ".."), { recursive: true });
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("are removed where they are half-written, also if the address has a query", () => {
    for (const text of ["", '{"user.content_type":"appl']) {
      for (const address of [backend, `${backend}?no_tmp_dir=true`]) {
        writeFileSync(path, text);
        assert.equal(drop(address), true);
        assert.equal(existsSync(path), false);
      }
    }
  });

  it("stay where they are whole; there may be none", () => {
    writeFileSync(path, '{"user.content_type":"application/json"}');
    assert.equal(drop(), false);
    assert.equal(existsSync(path), true);
    rmSync(path);
    assert.equal(drop(), false);
    assert.equal(drop("s3://bucket"), false);
    assert.equal(drop("file://~/state"), false);
  });
});

describe("a stack that is about to be removed", () => {
  const { PATH } = process.env;
  let folder = "";
  const here = { pid: process.pid, hostname: hostname(), username: "ops" };
  const asked = () =>
    existsSync(join(folder, "asked")) ? readFileSync(join(folder, "asked"), "utf8") : "";
  const said: string[] = [];
  const release = async () => {
    const configFile = join(folder, "Pulumi.prod.yaml");
    await releaseDeadLock({ stack: "prod", project: "trivet", configFile }, (text) => {
      said.push(text);
    });
  };
  const lock = (holder: typeof here) => {
    const locks = join(folder, ".pulumi", "locks", "organization", "trivet", "prod");
    mkdirSync(locks, { recursive: true });
    writeFileSync(join(locks, "a.json"), JSON.stringify(holder));
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-release-"));
    // The engine: says where the states are, and what it was asked for.
    const url = pathToFileURL(folder).href;
    const engine = `#!/bin/sh\nif [ "$1" = whoami ]; then echo '{"url": "${url}"}'; else echo "$*" >> '${folder}/asked'; fi\n`;
    writeFileSync(join(folder, "pulumi"), engine, { mode: 0o755 });
    process.env.PATH = `${folder}:${PATH ?? ""}`;
    said.length = 0;
  });
  afterEach(() => {
    process.env.PATH = PATH;
    rmSync(folder, { recursive: true });
  });

  it("has nothing to release where nobody holds it", async () => {
    await release();
    assert.deepEqual([asked(), said], ["", []]);
  });

  it("loses the lock of an update that was killed", async () => {
    lock({ ...here, pid: spawnSync("true").pid });
    await release();
    assert.equal(asked(), "cancel --yes --stack prod --non-interactive\n");
    assert.deepEqual(said, ["the last update was killed: releasing its lock"]);
  });

  it("is left to an update that runs, or may on another machine", async () => {
    for (const holder of [here, { ...here, hostname: "laptop" }]) {
      lock(holder);
      await assert.rejects(
        release(),
        new RegExp(
          `^Error: stack prod is being updated by process ${here.pid} on ${holder.hostname}: `,
        ),
      );
    }
    assert.deepEqual([asked(), said], ["", []]);
  });
});

describe("operations that were never finished", () => {
  const pending = (type: string, kind: string, name: string) => ({
    type,
    resource: { urn: `urn:pulumi:prod::trivet::${kind}::${name}`, type: kind },
  });
  const SERVICE = "docker:index/service:Service";
  const all = [
    pending("creating", SERVICE, "web"),
    pending("updating", SERVICE, "worker"),
    pending("deleting", "docker:index/secret:Secret", "web-API_KEY"),
    pending("updating", "command:remote:Command", "web-migrate"),
  ];

  it("are forgotten, after a look at what Docker may have done of them", () => {
    assert.deepEqual(forgetPending(all), [
      ...["refresh", "--yes", "--skip-preview", "--clear-pending-creates"],
      ...["--target", "**pulumi:pulumi:Stack::*"],
      ...["--target", `urn:pulumi:prod::trivet::${SERVICE}::worker`],
      ...["--target", "urn:pulumi:prod::trivet::docker:index/secret:Secret::web-API_KEY"],
    ]);
  });

  it("stand in the state, or nowhere", () => {
    const state = (deployment: unknown) => readPending(JSON.stringify({ version: 3, deployment }));
    assert.deepEqual(state({ pending_operations: all }), all);
    assert.deepEqual([state({ resources: [] }), state(null)], [[], []]);
  });
});
