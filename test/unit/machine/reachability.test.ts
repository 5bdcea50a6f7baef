import assert from "node:assert/strict";
import { portsBetween, Reachability } from "../../../components/machine/reachability";
import { problemsOf } from "../support/outputs";
import { awayHost, host, hosts, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

const CORE = "2377,2379,2380,5432,6379,7946,8008,26379";
const FROM_APP = "2377,5432,6379,7946,8008";
const UDP = "4789,7946";
/** What the mock lets a listener print. */
const heard = (machine: string) => `sha256:of-ports-${machine}-listen`;

describe("ports between machines", () => {
  const table = [
    ["core", "core", CORE],
    ["app", "core", FROM_APP],
    ["core", "app", "7946"],
    ["app", "app", "7946"],
  ] as const;
  for (const [from, to, expected] of table) {
    it(`from ${from} to ${to}`, () => {
      const { tcp, udp } = portsBetween(from, to);
      assert.deepEqual([tcp.join(), udp.join()], [expected, UDP]);
    });
  }
});

describe("Reachability", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());
  const make = async (args: ConstructorParameters<typeof Reachability>[1]) => {
    const made = new Reachability("ports", args);
    await engine.settled();
    return made;
  };
  const app = host("app1", 9);

  it("listens everywhere, then connects everywhere, then gives the ports back", async () => {
    await make({ core: hosts(3), app: [app] });
    const names = ["vm1", "vm2", "vm3", "app1"];
    const phase = (what: string) => names.map((name) => `ports-${name}-${what}`).sort();
    assert.deepEqual(
      engine.names(),
      ["ports", ...phase("listen"), ...phase("connect"), ...phase("close")].sort(),
    );
    for (const name of names) {
      assert.deepEqual(engine.get(`ports-${name}-listen`).dependsOn, []);
      assert.deepEqual(engine.get(`ports-${name}-connect`).dependsOn, phase("listen"));
      const { dependsOn } = engine.get(`ports-${name}-close`);
      for (const tried of phase("connect")) assert.ok(dependsOn.includes(tried), tried);
    }
  });

  it("listens at what the others need, and again when one of them changes", async () => {
    await make({ core: hosts(1), app: [app] });
    const all = "10.0.0.1=core,10.0.0.9=app";
    const { args } = engine.script("ports-vm1-listen");
    assert.equal(args, `vm1 10.0.0.1 ${CORE} ${UDP} ${all}`);
    assert.equal(engine.script("ports-app1-listen").args, `app1 10.0.0.9 7946 ${UDP} ${all}`);
  });

  it("connects to all others, and knows of each what it listens at", async () => {
    await make({ core: hosts(2), app: [app] });
    const to = (name: string, ip: string, tcp: string) =>
      `${name} ${ip} ${tcp} ${UDP} ${heard(name)}`;
    assert.equal(
      engine.script("ports-vm1-connect").args,
      `vm1 ${to("vm2", "10.0.0.2", CORE)} ${to("app1", "10.0.0.9", "7946")}`,
    );
    assert.equal(
      engine.script("ports-app1-connect").args,
      `app1 ${to("vm1", "10.0.0.1", FROM_APP)} ${to("vm2", "10.0.0.2", FROM_APP)}`,
    );
    assert.equal(engine.script("ports-vm2-close").args, heard("vm2"));
  });

  it("tries nothing with one machine", async () => {
    await make({ core: hosts(1) });
    assert.deepEqual(engine.names(), ["ports"]);
  });

  it("leaves all as it is while one machine is away, and leaves out what a new one lacks", async () => {
    const [vm1, vm2, vm3] = hosts(3);
    assert.ok(vm1 !== undefined && vm2 !== undefined && vm3 !== undefined);
    const known = ["vm1", "vm2"].flatMap((name) =>
      ["listen", "connect", "close"].map((s) => `command:remote:Command::ports-${name}-${s}`),
    );
    await make({ core: [vm1, awayHost(vm2, ...known), vm3] });
    const commands = engine.made.filter(({ type }) => type === "command:remote:Command");
    assert.equal(commands.length, 6);
    for (const { name, ignoreChanges } of commands) assert.deepEqual(ignoreChanges, ["*"], name);
    assert.deepEqual(engine.namesOf("trivet:core:LeftOut"), [
      ...["ports-vm3-close", "ports-vm3-connect", "ports-vm3-listen"],
    ]);
  });

  it("reports all bad arguments at once", () => {
    assert.deepEqual(
      problemsOf(() => new Reachability("ports", { core: [], app: [app, app] })),
      ["  - hosts: repeats app1", "  - core: is empty, needs at least one entry"],
    );
    assert.deepEqual(engine.made, []);
  });
});
