import assert from "node:assert/strict";
import type { MemberStatus } from "../../../../scripts/operator/status";
import {
  chooseCandidate,
  readRefusal,
  switchover,
  type SwitchoverOptions,
} from "../../../../scripts/operator/switchover";
import { FakeMachines } from "./fake-machines";

const member = (name: string, role: string, state: string, lagBytes: number | null) => ({
  name,
  role,
  state,
  lagBytes,
});
const PRIMARY: MemberStatus = member("vm1", "primary", "running", null);

describe("the candidate of a switchover", () => {
  const all = ["vm1", "vm2", "vm3"];

  it("holds every acknowledged row, then is least behind", () => {
    const behind = member("vm2", "quorum standby", "streaming", 512);
    const close = member("vm3", "quorum standby", "streaming", 0);
    const replica = member("vm3", "replica", "streaming", 0);
    const unknown = member("vm3", "quorum standby", "streaming", null);
    assert.equal(chooseCandidate([PRIMARY, behind, close], all), "vm3");
    assert.equal(chooseCandidate([PRIMARY, behind, replica], all), "vm2");
    assert.equal(chooseCandidate([PRIMARY, behind, unknown], all), "vm2");
    assert.equal(chooseCandidate([PRIMARY, behind, close], all, "vm2"), "vm2");
    assert.equal(chooseCandidate([PRIMARY, behind, close], ["vm1", "vm2"]), "vm2");
  });

  it("must be streaming, and answer", () => {
    const starting = member("vm2", "replica", "starting", null);
    const follows = member("vm3", "sync standby", "streaming", 0);
    assert.throws(() => chooseCandidate([PRIMARY, starting], all), /^Error: no standby that answ/);
    assert.throws(
      () => chooseCandidate([PRIMARY, starting, follows], all, "vm2"),
      /^Error: vm2 is not streaming, but starting: see/,
    );
    assert.throws(
      () => chooseCandidate([PRIMARY, starting], all, "vm3"),
      /^Error: vm3 is not streaming, but no member: see/,
    );
    assert.throws(
      () => chooseCandidate([PRIMARY, follows], ["vm1"], "vm3"),
      /^Error: vm3 does not answer over SSH$/,
    );
  });
});

describe("what Patroni says to a switchover", () => {
  const cases: [number | null, string, string, string | undefined][] = [
    [0, '200 Successfully switched over to "vm2"\n', "", undefined],
    [
      0,
      '200 Switched over to "vm3" instead of "vm2"\n',
      "",
      'Patroni has Switched over to "vm3" instead of "vm2"',
    ],
    [0, "503 Switchover status unknown", "", undefined],
    [
      0,
      "412 candidate name does not match with sync_standby",
      "",
      "Patroni refuses: candidate name does not match with sync_standby",
    ],
    [1, "", "x\nError: no such container", "Patroni could not be asked: Error: no such container"],
    [255, "", "Connection closed", undefined],
    [null, "", "", undefined],
  ];
  for (const [code, stdout, stderr, expected] of cases) {
    it(`${String(code)} ${stdout}${stderr}`.replaceAll("\n", " "), () => {
      assert.equal(readRefusal(code, stdout, stderr), expected);
    });
  }
});

describe("trivet switchover", () => {
  let machines = new FakeMachines(["vm1", "vm2", "vm3"], ["app1"]);
  const said: string[] = [];
  const run = async (options: Partial<SwitchoverOptions> = {}) =>
    await switchover(machines.outputs, { say: (line) => said.push(line), ...options });
  beforeEach(() => {
    machines.remove();
    machines = new FakeMachines(["vm1", "vm2", "vm3"], ["app1"]);
    said.length = 0;
  });
  after(() => {
    machines.remove();
  });
  const sorted = (from: number, to?: number) => machines.log.slice(from, to).sort();
  const words = (verb: string, names: string[]) => names.map((name) => `${verb} ${name}`).sort();

  for (const [title, to, moved] of [
    ["asks Patroni for any standby", undefined, "switchover vm1 any"],
    ["asks Patroni for the wanted one", "vm3", "switchover vm1 vm3"],
  ] as const) {
    it(`pauses every pooler, ${title}, and lets the queries go on`, async () => {
      const all = ["vm1", "vm2", "vm3", "app1"];
      const answer = await run(to === undefined ? {} : { to });
      assert.match(answer, /^vm\d is the primary; queries waited \d+\.\d s$/);
      assert.ok(answer.startsWith(to ?? "vm2"));
      assert.equal(machines.log[0], "checkpoint vm1", "nobody waits for it");
      assert.deepEqual(sorted(1, 5), words("paused", all));
      assert.equal(machines.log[5], moved);
      assert.deepEqual(sorted(6), words("resumed", all));
      assert.deepEqual(said, []);
    });
  }

  it("tells who has become the primary, whomever it asked", async () => {
    machines.members("vm1", { vm2: "starting" });
    assert.match(await run(), /^vm2 is the primary/);
  });

  it("does nothing where the wanted one is the primary", async () => {
    assert.equal(await run({ to: "vm1" }), "vm1 is the primary already");
    assert.deepEqual(machines.log, []);
  });

  const refused = async (options: Partial<SwitchoverOptions>, message: RegExp) => {
    await assert.rejects(run(options), message);
    assert.deepEqual(machines.log, []);
  };

  it("refuses before anything is paused", async () => {
    await refused({ to: "vm9" }, /^Error: there is no core machine "vm9", but vm1, vm2, vm3$/);
    await refused({ to: "app1" }, /^Error: there is no core machine "app1"/);
    machines.set("no-guard-app1");
    await refused({}, /^Error: nothing runs that could pause the pooler of app1: update the stack/);
    machines.members("vm1", { vm2: "starting", vm3: "crashed" });
    await refused({ to: "vm3" }, /^Error: vm3 is not streaming, but crashed/);
    await refused({}, /^Error: no standby that answers is streaming/);
    machines.set("primary", "nobody");
    await refused({}, /^Error: the cluster has no primary/);
  });

  it("refuses where there is one machine only", async () => {
    machines.remove();
    machines = new FakeMachines(["vm1"]);
    await refused({}, /^Error: vm1 is the only machine with Postgres: no standby$/);
  });

  it("goes on without a machine that is silent, which costs its 5 s", async () => {
    machines.set("silent-vm3");
    const started = Date.now();
    assert.match(await run(), /^vm2 is the primary/);
    assert.ok(Date.now() - started < 9000, `${Date.now() - started} ms`);
    assert.deepEqual(said, ["vm3 does not answer: its pooler is not paused"]);
    assert.deepEqual(sorted(1, 4), words("paused", ["vm1", "vm2", "app1"]));
  });

  /** All that were paused have gone on, and the primary is the old one. */
  const undone = (count: number) => {
    const names = (verb: string) =>
      machines.log.filter((line) => line.startsWith(verb)).map((line) => line.split(" ")[1]);
    assert.deepEqual(names("resumed").sort(), names("paused").sort());
    assert.equal(names("paused").length, count);
    assert.deepEqual(names("switchover"), []);
  };

  it("resumes everything where transactions do not end", async () => {
    machines.set("busy-vm3");
    await assert.rejects(
      run(),
      /^Error: gave up: vm3 still has open transactions after 5 s; nothing was changed$/,
    );
    undone(3);
  });

  it("resumes everything where Patroni refuses", async () => {
    machines.set("refusal", "412 candidate name does not match with sync_standby\n");
    await assert.rejects(
      run({ to: "vm2" }),
      /^Error: Patroni refuses: candidate name does not match with sync/,
    );
    undone(4);
  });

  it("resumes everything when it is interrupted", async () => {
    machines.set("never");
    const controller = new AbortController();
    const over = assert.rejects(
      run({ signal: controller.signal }),
      /^Error: interrupted; Patroni may still switch over: see/,
    );
    while (machines.log.length < 5) await new Promise((resolve) => setTimeout(resolve, 50));
    setTimeout(() => {
      controller.abort(new Error("interrupted"));
    }, 300);
    await over;
    undone(4);
  });
});
