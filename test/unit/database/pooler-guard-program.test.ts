import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Run } from "../support/guard-stage";
import { PROGRAM, Stage, until } from "../support/guard-stage";

/** Enough for several rounds of the program. */
const ROUNDS_MS = 700;
const PAUSE = 'PAUSE "shop"';
const RESUME = 'RESUME "shop"';

describe("pooler-guard.py", () => {
  let stage: Stage;
  const open = async (members: readonly string[] = ["vm1", "vm2", "vm3"], ...times: number[]) => {
    stage = new Stage(members);
    await stage.open(...times);
  };

  before(() => {
    const { error } = spawnSync("python3", ["--version"]);
    assert.equal(error, undefined, "these tests need python3 on the PATH");
  });
  afterEach(async () => {
    await stage.close();
  });

  it("compiles", async () => {
    await open();
    const env = { ...process.env, PYTHONPYCACHEPREFIX: stage.file("cache") };
    const { status, stderr } = spawnSync("python3", ["-m", "py_compile", PROGRAM], { env });
    assert.equal(status, 0, String(stderr));
  });

  it("holds queries until the router leads to the new primary and nowhere else", async () => {
    await open();
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
    await open(["vm1"]);
    const guard = await stage.guard();
    stage.primaries = [];
    await stage.becomes(true);
    stage.primaries = ["vm1"];
    await guard.says(/^vm1 is primary: passing on after /);
    assert.equal(stage.paused, false);
  });

  it("gives a slow primary more chances after each false alarm", async () => {
    await open(["vm1"], 40, 0.4);
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
    await open(["vm1", "vm2"], 1);
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
    await open();
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
    await open();
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
    await open();
    stage.mark("paused", true);
    await stage.guard();
    assert.deepEqual(stage.commands, [RESUME]);
  });

  for (const { title, end, code } of [
    { title: "is told to end", end: "SIGTERM", code: 0 },
    { title: "is killed", end: "SIGKILL", code: "SIGKILL" },
  ] as const) {
    it(`passes on what it holds when it ${title}`, async () => {
      await open();
      const guard = await stage.guard();
      stage.primaries = [];
      await stage.becomes(true);
      process.kill(guard.pid, end);
      await stage.becomes(false);
      assert.equal(await guard.ended, code);
    });
  }

  it("passes on what it holds when only the process that makes the rounds is killed", async () => {
    await open();
    const guard = await stage.guard();
    stage.primaries = [];
    await stage.becomes(true);
    process.kill(guard.worker, "SIGKILL");
    assert.equal(await guard.ended, 1);
    assert.equal(stage.paused, false);
    assert.equal(guard.lines.at(-1), "the guard has died");
  });

  describe("hold", () => {
    const ready = async (hold: Run) => {
      await hold.says(/^ready$/);
      return hold;
    };

    it("holds while its input is open, then until there is a primary; the guard lets it", async () => {
      await open();
      const guard = await stage.guard();
      const hold = stage.run("hold");
      await hold.says(/^paused$/);
      await setTimeout(ROUNDS_MS);
      stage.primaries = [];
      hold.child.stdin?.end();
      await setTimeout(ROUNDS_MS);
      assert.equal(stage.paused, true);
      stage.primaries = ["vm3"];
      stage.up = ["vm3"];
      assert.equal(await hold.ended, 0);
      assert.deepEqual(hold.lines, ["paused", "resumed"]);
      await guard.says(/^vm3 is primary: watching it$/);
      assert.deepEqual(stage.commands, [PAUSE, RESUME]);
    });

    for (const [title, missed, holds] of [
      ["is not followed by another where the guard misses one answer after it", [false], false],
      ["is followed by another where the guard misses two", [false, false], true],
    ] as const) {
      it(title, async () => {
        await open();
        const guard = await stage.guard();
        const hold = stage.run("hold");
        await hold.says(/^paused$/);
        // The guard notices that it is not its turn.
        await setTimeout(ROUNDS_MS);
        // The first one is for `hold` itself.
        stage.useful = [true, ...missed];
        hold.child.stdin?.end();
        const passed = holds ? /^vm1 is primary: passing on/ : /^vm1 is primary: watching it$/;
        await until(
          () => passed.test(guard.lines.at(-1) ?? "") && guard.lines.length > 1,
          () => guard.lines.join("\n"),
        );
        assert.deepEqual(stage.commands, [PAUSE, RESUME, ...(holds ? [PAUSE, RESUME] : [])]);
      });
    }

    it("ends by itself", async () => {
      await open();
      const hold = stage.run("hold", "--seconds", "0.3");
      assert.equal(await hold.ended, 0);
      assert.deepEqual(hold.lines, ["paused", "late", "resumed"]);
    });

    it("waits until the new primary has left recovery", async () => {
      await open();
      const hold = stage.run("hold", "--after", "vm1");
      await hold.says(/^paused$/);
      stage.recovering = true;
      stage.primaries = ["vm3"];
      stage.up = ["vm3"];
      await setTimeout(ROUNDS_MS);
      assert.equal(stage.paused, true);
      stage.recovering = false;
      assert.equal(await hold.ended, 0);
      assert.deepEqual(hold.lines, ["paused", "resumed"]);
    });

    it("is in force before pgBouncer answers", async () => {
      await open();
      stage.mark("slow", true);
      const hold = stage.run("hold", "--seconds", "0.3");
      assert.equal(await hold.ended, 0);
      assert.deepEqual(hold.lines, ["paused", "late", "resumed"]);
    });

    it("ends once another member is the primary, for the router too", async () => {
      await open();
      const hold = stage.run("hold", "--after", "vm1");
      await hold.says(/^paused$/);
      stage.primaries = ["vm3"];
      await setTimeout(ROUNDS_MS);
      assert.equal(stage.paused, true, "the router still leads to the old one");
      stage.up = ["vm3"];
      assert.equal(await hold.ended, 0);
      assert.deepEqual(hold.lines, ["paused", "resumed"]);
    });

    it("begins when it is told to, and not at all where the input ends before", async () => {
      await open();
      const [first, second] = [stage.run("hold", "--ready"), stage.run("hold", "--ready")];
      const quick = await Promise.race([first, second].map(async (hold) => await ready(hold)));
      await setTimeout(ROUNDS_MS);
      assert.equal(stage.paused, false);
      quick.child.stdin?.end();
      assert.equal(await quick.ended, 0);
      assert.deepEqual(quick.lines, ["ready"]);
      const slow = await ready(quick === first ? second : first);
      slow.child.stdin?.write("go\n");
      await slow.says(/^paused$/);
      assert.deepEqual(stage.commands, [PAUSE]);
      slow.child.stdin?.end();
      assert.equal(await slow.ended, 0);
      assert.deepEqual(slow.lines, ["ready", "paused", "resumed"]);
    });

    it("gives way to transactions that stay open", async () => {
      await open();
      stage.mark("stuck", true);
      const hold = stage.run("hold", "--drain-seconds", "0.3");
      assert.equal(await hold.ended, 3);
      assert.deepEqual(hold.lines, ["busy"]);
      assert.equal(stage.paused, false);
    });

    for (const signal of ["SIGTERM", "SIGHUP"] as const) {
      it(`passes on what it holds on ${signal}`, async () => {
        await open();
        const hold = stage.run("hold");
        await hold.says(/^paused$/);
        hold.child.kill(signal);
        assert.equal(await hold.ended, 1);
        assert.equal(stage.paused, false);
      });
    }

    it("leaves it to the guard when it is killed", async () => {
      await open();
      await stage.guard();
      const hold = stage.run("hold");
      await hold.says(/^paused$/);
      hold.child.kill("SIGKILL");
      await stage.becomes(false);
    });
  });
});
