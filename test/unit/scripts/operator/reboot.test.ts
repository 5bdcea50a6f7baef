import assert from "node:assert/strict";
import type { Machine } from "../../../../scripts/operator/machines";
import { reboot, rebootOrder, type RebootOptions } from "../../../../scripts/operator/reboot";
import { FakeMachines } from "./fake-machines";

describe("the order of restarts", () => {
  const machine = (name: string, role = "core"): Machine => ({ name, role, ssh: "" });
  const all = [machine("vm1"), machine("vm2"), machine("app1", "app"), machine("vm3")];
  const order = (chosen: string[], primary?: string) =>
    rebootOrder(all, primary, chosen).map(({ name }) => name);

  it("begins with application machines and ends with the primary's", () => {
    assert.deepEqual(order([], "vm1"), ["app1", "vm2", "vm3", "vm1"]);
    assert.deepEqual(order([], "vm2"), ["app1", "vm1", "vm3", "vm2"]);
    assert.deepEqual(order(["vm1", "vm3"], "vm1"), ["vm3", "vm1"]);
  });

  it("knows its machines", () => {
    assert.throws(
      () => order(["vm1", "vm9", "x"], "vm1"),
      /^Error: there is no machine vm9, x, but vm1, vm2, app1, vm3$/,
    );
  });
});

describe("trivet reboot", () => {
  const limits = { drainSeconds: 1, backSeconds: 1, redundantSeconds: 1 };
  let machines = new FakeMachines(["vm1"]);
  let restarts: string[] = [];
  let said: string[] = [];
  const use = (core: string[], app: string[] = []) => {
    machines.remove();
    machines = new FakeMachines(core, app);
  };
  beforeEach(() => {
    use(["vm1", "vm2", "vm3"]);
    restarts = [];
    said = [];
  });
  after(() => {
    machines.remove();
  });
  const run = async (options: Partial<RebootOptions> = {}) =>
    await reboot(machines.outputs, {
      machines: [],
      agree: async () => await Promise.reject(new Error("asked")),
      say: (line) => said.push(line.replace(/^ *\d+ s {2}/, "")),
      restart: async ({ name }) => {
        assert.ok(machines.has(`run-${name}-trivet-reboot`), "the marker was made before");
        restarts.push(name);
        machines.restarted(name);
        await Promise.resolve();
      },
      limits,
      ...options,
    });
  const log = () => machines.log.filter((line) => !/^(checkpoint|paused|resumed) /.test(line));

  it("empties each machine before its restart, the primary's last", async () => {
    machines.set("web", "vm2\nvm3\nvm3\n");
    assert.match(await run(), /^restarted vm2, vm3, vm1 in \d+ s$/);
    assert.deepEqual(restarts, ["vm2", "vm3", "vm1"]);
    assert.deepEqual(log(), [
      ...["pause vm2", "replace web", "drain vm2", "active vm2"],
      ...["pause vm3", "replace web", "drain vm3", "active vm3"],
      "switchover vm1 any",
      ...["pause vm1", "replace web", "drain vm1", "active vm1"],
    ]);
  });

  it("gives the floating address to another machine first, and takes part again where the restart fails", async () => {
    machines.set("entry");
    await run({ machines: ["vm2"] });
    assert.deepEqual(log().slice(0, 2), ["stop keepalived vm2", "pause vm2"]);
    assert.ok(!log().includes("start keepalived vm2"), "its start does that");
    const restart = async () => await Promise.reject(new Error("no power"));
    await assert.rejects(run({ machines: ["vm3"], restart }), /no power/);
    assert.equal(log().at(-1), "start keepalived vm3");
  });

  it("leaves an application alone that is not on the machine", async () => {
    machines.set("web", "vm1\nvm2\nvm2\n");
    assert.match(await run({ machines: ["vm3"] }), /^restarted vm3 in \d+ s$/);
    assert.deepEqual(log(), ["pause vm3", "drain vm3", "active vm3"]);
  });

  it("restarts application machines first", async () => {
    use(["vm1", "vm2", "vm3"], ["app1"]);
    await run({ machines: ["vm2", "app1"] });
    assert.deepEqual(restarts, ["app1", "vm2"]);
  });

  it("does not begin where something is missing", async () => {
    machines.members("vm1", { vm3: "starting" });
    await assert.rejects(run(), /^Error: the platform is not complete: vm3 is starting$/);
    assert.deepEqual([log(), restarts], [[], []]);
  });

  it("stops at a machine that does not come back, and gives its node back", async () => {
    const restart = async ({ name }: Machine) => {
      restarts.push(name);
      machines.set(`dead-${name}`);
      await Promise.resolve();
    };
    await assert.rejects(
      run({ restart }),
      /^Error: vm2 has not come back within 1 s: look at its console; not restarted: vm3, vm1$/,
    );
    assert.deepEqual(restarts, ["vm2"]);
    assert.equal(log().at(-1), "active vm2");
    assert.equal(said.at(-1), "vm2: its node takes tasks again (availability active)");
  });

  it("notices a machine that has never restarted", async () => {
    const restart = async () => {
      await Promise.resolve();
    };
    await assert.rejects(run({ restart }), /^Error: vm2 has not restarted within 1 s/);
  });

  it("restarts nothing where the replicas find no room elsewhere", async () => {
    machines.set("no-room");
    await assert.rejects(
      run(),
      /^Error: web could not be moved: service rolled back: no suitable node; not restarted: vm3, vm1$/,
    );
    assert.deepEqual([log().at(-1), restarts], ["active vm2", []]);
  });

  it("restarts nothing where the primary cannot be moved", async () => {
    machines.set("busy-vm3");
    await assert.rejects(run({ machines: ["vm1"] }), /^Error: gave up: vm3 still has open trans/);
    assert.deepEqual([log(), restarts], [[], []]);
  });

  it("gives the node back when it is interrupted", async () => {
    const controller = new AbortController();
    const restart = async () => {
      controller.abort(new Error("interrupted"));
      await Promise.resolve();
    };
    await assert.rejects(
      run({ restart, signal: controller.signal }),
      /^Error: interrupted; not restarted: vm3, vm1$/,
    );
    assert.equal(log().at(-1), "active vm2");
  });

  it("asks where there is one machine only, and drains nothing there", async () => {
    use(["vm1"]);
    let asked = "";
    const agree = (answer: boolean) => async (question: string) => {
      asked = question;
      return await Promise.resolve(answer);
    };
    assert.equal(await run({ agree: agree(false) }), "nothing has been changed");
    assert.deepEqual(restarts, []);
    assert.match(asked, /^vm1 is the only machine .* away for about half a minute\.$/);
    assert.match(await run({ agree: agree(true) }), /^restarted vm1 in \d+ s$/);
    assert.deepEqual([restarts, log()], [["vm1"], []]);
  });
});
