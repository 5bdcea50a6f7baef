import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { stages, until, type Run, type Stage } from "../support/guard-stage";

/** Enough for several rounds of the program. */
const ROUNDS_MS = 700;
const PAUSE = 'PAUSE "shop"';
const RESUME = 'RESUME "shop"';

describe("pooler-guard.py hold", () => {
  let stage: Stage;
  const open = stages();

  const ready = async (hold: Run) => {
    await hold.says(/^ready$/);
    return hold;
  };

  it("holds while its input is open, then until there is a primary; the guard lets it", async () => {
    stage = await open();
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
      stage = await open();
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
    stage = await open();
    const hold = stage.run("hold", "--seconds", "0.3");
    assert.equal(await hold.ended, 0);
    assert.deepEqual(hold.lines, ["paused", "late", "resumed"]);
  });

  it("waits until the new primary has left recovery", async () => {
    stage = await open();
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
    stage = await open();
    stage.mark("slow", true);
    const hold = stage.run("hold", "--seconds", "0.3");
    assert.equal(await hold.ended, 0);
    assert.deepEqual(hold.lines, ["paused", "late", "resumed"]);
  });

  it("ends once another member is the primary, for the router too", async () => {
    stage = await open();
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
    stage = await open();
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
    stage = await open();
    stage.mark("stuck", true);
    const hold = stage.run("hold", "--drain-seconds", "0.3");
    assert.equal(await hold.ended, 3);
    assert.deepEqual(hold.lines, ["busy"]);
    assert.equal(stage.paused, false);
  });

  for (const signal of ["SIGTERM", "SIGHUP"] as const) {
    it(`passes on what it holds on ${signal}`, async () => {
      stage = await open();
      const hold = stage.run("hold");
      await hold.says(/^paused$/);
      hold.child.kill(signal);
      assert.equal(await hold.ended, 1);
      assert.equal(stage.paused, false);
    });
  }

  it("leaves it to the guard when it is killed", async () => {
    stage = await open();
    await stage.guard();
    const hold = stage.run("hold");
    await hold.says(/^paused$/);
    hold.child.kill("SIGKILL");
    await stage.becomes(false);
  });
});
