import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  dropBrokenAttributes,
  isAlive,
  judgeLock,
  locksOf,
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
