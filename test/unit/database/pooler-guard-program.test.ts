import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { PROGRAM, stages, until, type Stage } from "../support/guard-stage";

/** Enough for several rounds of the program. */
const ROUNDS_MS = 700;
const PAUSE = 'PAUSE "shop"';
const RESUME = 'RESUME "shop"';
const PAUSE_READS = 'PAUSE "shop_read"';
const RESUME_READS = 'RESUME "shop_read"';

describe("pooler-guard.py", () => {
  let stage: Stage;
  const open = stages();

  it("compiles", async () => {
    stage = await open();
    const env = { ...process.env, PYTHONPYCACHEPREFIX: stage.file("cache") };
    const { status, stderr } = spawnSync("python3", ["-m", "py_compile", PROGRAM], { env });
    assert.equal(status, 0, String(stderr));
  });

  it("holds queries until the router leads to the new primary and nowhere else", async () => {
    stage = await open();
    const guard = await stage.guard();
    assert.deepEqual(stage.commands, []);
    stage.primaries = [];
    await stage.becomes(true);
    stage.primaries = ["vm2"];
    await setTimeout(ROUNDS_MS);
    stage.up = ["vm1", "vm2"];
    await setTimeout(ROUNDS_MS);
    assert.equal(stage.paused, true);
    stage.up = ["vm2"];
    await stage.becomes(false);
    await guard.says(/^vm2 is primary: passing on after [12]\.\d s, 3 clients waited$/);
    assert.deepEqual(stage.commands, [PAUSE, RESUME]);
    assert.deepEqual(guard.lines.slice(0, 2), [
      "vm1 is primary: watching it",
      "primary vm1 does not answer: holding queries",
    ]);
    assert.equal(guard.lines.length, 3);
  });

  it("does the same for a single machine whose Postgres starts again", async () => {
    stage = await open(["vm1"]);
    const guard = await stage.guard();
    stage.primaries = [];
    await stage.becomes(true);
    stage.primaries = ["vm1"];
    await guard.says(/^vm1 is primary: passing on after /);
    assert.equal(stage.paused, false);
  });

  it("holds reads too while the router takes no connections", async () => {
    stage = await open();
    const guard = await stage.guard();
    await stage.stopRouter();
    await until(
      () => stage.paused && stage.readsPaused,
      () => "not both are paused",
    );
    await setTimeout(ROUNDS_MS);
    await stage.startRouter();
    await stage.becomes(false);
    await guard.says(/^vm1 is primary: passing on after [01]\.\d s, 3 clients waited$/);
    assert.equal(stage.readsPaused, false);
    assert.deepEqual(guard.lines.slice(0, 2), [
      "vm1 is primary: watching it",
      "the router takes no connections: holding queries",
    ]);
    assert.deepEqual(stage.commands, [PAUSE, PAUSE_READS, RESUME, RESUME_READS]);
  });

  it("passes on reads once there is a router again, and the rest once there is a primary", async () => {
    stage = await open();
    const guard = await stage.guard();
    stage.primaries = [];
    await stage.becomes(true);
    await stage.stopRouter();
    await until(
      () => stage.readsPaused,
      () => "reads are not held",
    );
    await stage.startRouter();
    await until(
      () => !stage.readsPaused,
      () => "reads are still held",
    );
    await setTimeout(ROUNDS_MS);
    assert.equal(stage.paused, true);
    stage.primaries = ["vm1"];
    await stage.becomes(false);
    await guard.says(/^vm1 is primary: passing on after /);
    assert.deepEqual(stage.commands, [PAUSE, PAUSE_READS, RESUME_READS, RESUME]);
  });

  it("gives a slow primary more chances after each false alarm", async () => {
    stage = await open(["vm1"], 40, 0.4);
    const guard = await stage.guard();
    const alarms = () => guard.lines.filter((line) => line.includes("passing on")).length;
    for (const { silences, expected } of [
      { silences: 1, expected: 1 },
      { silences: 1, expected: 1 },
      { silences: 2, expected: 2 },
      { silences: 3, expected: 2 },
    ]) {
      stage.silences = silences;
      await setTimeout(silences * 550 + ROUNDS_MS);
      assert.equal(alarms(), expected);
      assert.equal(stage.paused, false);
    }
    assert.deepEqual(stage.commands, [PAUSE, RESUME, PAUSE, RESUME]);
  });

  it("lets queries fail after the deadline, and holds again once there was a primary", async () => {
    stage = await open(["vm1", "vm2"], 1);
    const guard = await stage.guard();
    stage.primaries = [];
    await guard.says(/^no primary for 1\.\d s: holding no longer, queries fail$/);
    await setTimeout(ROUNDS_MS);
    assert.deepEqual(stage.commands, [PAUSE, RESUME]);
    stage.primaries = ["vm1"];
    await setTimeout(ROUNDS_MS);
    assert.equal(guard.lines.at(-1), "vm1 is primary: watching it");
    stage.primaries = [];
    await stage.becomes(true);
  });

  it("outlives its pooler, and holds again what a new one would let through", async () => {
    stage = await open();
    const guard = await stage.guard();
    stage.primaries = [];
    await stage.becomes(true);
    stage.mark("away", true);
    stage.mark("paused", false);
    await setTimeout(ROUNDS_MS);
    stage.mark("away", false);
    await stage.becomes(true);
    assert.deepEqual(guard.lines.slice(2), [
      "pgBouncer's console: connection refused is the server running?",
    ]);
  });

  it("shows a sign of life, also while an open transaction delays the pause", async () => {
    stage = await open();
    stage.mark("stuck", true);
    await stage.guard();
    stage.primaries = [];
    await stage.becomes(true);
    stage.primaries = ["vm1"];
    await stage.becomes(false);
    assert.deepEqual(stage.commands, [PAUSE, RESUME]);
    assert.ok(Date.now() - statSync(stage.file("alive")).mtimeMs < 5000);
  });

  it("passes on what another guard has left", async () => {
    stage = await open();
    stage.mark("paused", true);
    await stage.guard();
    assert.deepEqual(stage.commands, [RESUME]);
  });

  for (const { title, end, code } of [
    { title: "is told to end", end: "SIGTERM", code: 0 },
    { title: "is killed", end: "SIGKILL", code: "SIGKILL" },
  ] as const) {
    it(`passes on what it holds when it ${title}`, async () => {
      stage = await open();
      const guard = await stage.guard();
      stage.primaries = [];
      await stage.becomes(true);
      process.kill(guard.pid, end);
      await stage.becomes(false);
      assert.equal(await guard.ended, code);
    });
  }

  it("passes on what it holds when only the process that makes the rounds is killed", async () => {
    stage = await open();
    const guard = await stage.guard();
    stage.primaries = [];
    await stage.becomes(true);
    process.kill(guard.worker, "SIGKILL");
    assert.equal(await guard.ended, 1);
    assert.equal(stage.paused, false);
    assert.equal(guard.lines.at(-1), "the guard has died");
  });
});
