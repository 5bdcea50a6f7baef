import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../../components/core/host";
import { marked, mayBeAway, typeAndName } from "../../../stacks/away";
import type { PlatformConfig } from "../../../stacks/config";
import type { Finding, MachineState } from "../../../stacks/probe";
import type { Report } from "../../../stacks/report";
import { checkReachable } from "../../../stacks/reachable";
import { previousOf, type Previous } from "../../../stacks/transitions";
import { Program, THREE } from "./program";
import { machine, parsed } from "./config/fixture";
import { hosts } from "../support/platform";

const config = parsed({ machines: THREE });
/** What the last update wrote for such machines. */
function previousFor({ machines, database }: PlatformConfig): Previous {
  const { name, user } = database;
  const entries = Object.entries(machines).map(([key, { privateAddress, role, hostKey }]) => [
    key,
    { privateAddress, role, hostKey },
  ]);
  return {
    machines: Object.fromEntries(entries) as Previous["machines"],
    database: { name, user },
  };
}
const earlier = previousFor(config);

describe("machines that an update may go round", () => {
  const found = (states: Readonly<Record<string, MachineState>>, previous?: Previous) => {
    const all: Record<string, MachineState> = {
      ...{ vm1: "answers", vm2: "answers", vm3: "answers", app1: "answers" },
      ...states,
    };
    const findings = Object.entries(all).map(([name, state]) => [name, { state, said: "" }]);
    return mayBeAway(
      config,
      Object.fromEntries(findings) as Parameters<typeof mayBeAway>[1],
      previous,
    );
  };

  it("are silent ones that were there earlier, while most core machines answer", () => {
    assert.deepEqual(found({}, earlier), []);
    assert.deepEqual(found({ vm1: "silent" }, earlier), ["vm1"]);
    assert.deepEqual(found({ vm3: "silent", app1: "silent" }, earlier), ["vm3", "app1"]);
    assert.deepEqual(found({ app1: "silent" }, earlier), ["app1"]);
  });

  it("are none where the core machines that answer are no majority", () => {
    assert.deepEqual(found({ vm1: "silent", vm2: "silent" }, earlier), []);
    // A machine that answers otherwise takes part in nothing.
    assert.deepEqual(found({ vm1: "silent", vm2: "loginRefused" }, earlier), []);
  });

  it("are none before the first update was done", () => {
    assert.deepEqual(found({ vm1: "silent" }), []);
  });

  it("are no machines that answer, whatever is wrong with them", () => {
    for (const state of ["otherHostKey", "loginRefused", "notRoot", "failed"] as const) {
      assert.deepEqual(found({ vm1: state }, earlier), []);
    }
  });

  it("are no new ones: in another place, with another key, or of no update yet", () => {
    const { vm1, vm2, ...others } = earlier.machines;
    assert.ok(vm1 !== undefined && vm2 !== undefined);
    for (const was of [
      { ...others, vm2, vm1: { ...vm1, privateAddress: "10.0.0.9" } },
      { ...others, vm2, vm1: { ...vm1, hostKey: "ssh-ed25519 AAAA" } },
      { ...others, vm2 },
    ]) {
      assert.deepEqual(found({ vm1: "silent" }, { ...earlier, machines: was }), []);
    }
    // Without a key nobody can tell another machine.
    const unnamed = { ...earlier.machines, vm1: { privateAddress: "10.0.0.1", role: "core" } };
    assert.deepEqual(found({ vm1: "silent" }, { ...earlier, machines: unnamed }), ["vm1"]);
  });
});

describe("the name of a resource in its stack", () => {
  const urn = (chain: string, name: string) => `urn:pulumi:prod::trivet::${chain}::${name}`;
  const table: [string, string, string][] = [
    [
      "of no parent",
      urn("docker:index/service:Service", "web"),
      "docker:index/service:Service::web",
    ],
    [
      "of nested parents",
      urn("trivet:swarm:Swarm$trivet:core:Part$command:remote:Command", "swarm-init"),
      "command:remote:Command::swarm-init",
    ],
    ["with colons", urn("a:b:C", "x::y"), "a:b:C::x::y"],
    [
      "of the stack itself",
      urn("pulumi:pulumi:Stack", "trivet-prod"),
      "pulumi:pulumi:Stack::trivet-prod",
    ],
    ["of what is no URN", "nonsense", "::"],
  ];
  for (const [title, given, expected] of table) {
    it(title, () => {
      assert.equal(typeAndName(given), expected);
    });
  }
});

describe("the last update's outputs", () => {
  const stack = (outputs: Record<string, unknown>) => ({
    "urn:pulumi:prod::trivet::pulumi:pulumi:Stack::trivet-prod": {
      type: "pulumi:pulumi:Stack",
      outputs,
    },
  });

  it("are read from the state", () => {
    assert.deepEqual(previousOf(stack({ ...earlier, url: "https://example.org" })), earlier);
  });

  it("are none for a stack that was never up, or not to its end", () => {
    for (const state of [{}, stack({}), stack({ machines: {} })]) {
      assert.equal(previousOf(state), undefined);
    }
  });
});

describe("machines with what is known of them", () => {
  const [vm1, vm2, vm3] = hosts(3);
  assert.ok(vm1 !== undefined && vm2 !== undefined && vm3 !== undefined);
  const two = parsed({ machines: { vm1: machine(1), vm3: { ...machine(3), role: "app" } } });
  const given = { core: [vm1], app: [vm3], all: [vm1, vm3] };
  const state = {
    "urn:pulumi:prod::trivet::trivet:swarm:Swarm$command:remote:Command::swarm-vm3-join": {
      type: "command:remote:Command",
      outputs: {},
    },
  };

  it("keep their roles, addresses and order", () => {
    const { core, app, all } = marked(given, two, ["vm3"], previousFor(two), state);
    const names = (list: readonly Host[]) => list.map(({ name }) => name);
    assert.deepEqual([names(core), names(app), names(all)], [["vm1"], ["vm3"], ["vm1", "vm3"]]);
    assert.deepEqual(core[0], { ...vm1, isNew: false });
    const known = new Set(["command:remote:Command::swarm-vm3-join"]);
    assert.deepEqual(app[0], { ...vm3, away: { known }, isNew: false });
    assert.equal(app[0], all[1]);
  });

  it("keep what stands for them in the stack and at the cloud", async () => {
    const newResource = () => ({ id: "", state: {} });
    await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, "trivet", "prod");
    const [resource, cloud] = ["resource", "cloud"].map(
      (name) => new pulumi.ComponentResource("test:index:Machine", name),
    );
    assert.ok(resource !== undefined && cloud !== undefined);
    const whole = { ...vm1, resource, machine: cloud };
    const { all } = marked({ core: [whole], app: [], all: [whole] }, two, [], undefined, {});
    assert.deepEqual([all[0]?.resource, all[0]?.machine], [resource, cloud]);
  });

  it("are new where the last update had them not, and none is at the first", () => {
    const was = {
      ...previousFor(two),
      machines: { vm1: { privateAddress: "10.0.0.1", role: "core" } },
    };
    assert.deepEqual(
      marked(given, two, [], was, state).all.map(({ isNew }) => isNew),
      [false, true],
    );
    for (const each of marked(given, two, [], undefined, {}).all) assert.ok(!("isNew" in each));
  });

  it("have the primary where the data is no standby's", () => {
    const answers = (report: Report): Finding => ({ state: "answers", said: "", report });
    const findings = {
      vm1: answers({ postgres: "71", standby: true }),
      vm2: answers({ postgres: "71" }),
      vm3: answers({}),
    };
    const three = { core: [vm1, vm2, vm3], app: [], all: [vm1, vm2, vm3] };
    const { all } = marked(three, config, [], undefined, {}, findings);
    assert.deepEqual(
      all.filter(({ hasPrimary }) => hasPrimary === true).map(({ name }) => name),
      ["vm2"],
    );
  });
});

describe("a preview", () => {
  it("asks no machine, and knows which are new", async () => {
    const newResource = ({ inputs }: { inputs: object }) => ({ id: "", state: inputs });
    await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, "trivet", "prod", true);
    const started = Date.now();
    const [vm1, vm2, vm3] = hosts(3);
    assert.ok(vm1 !== undefined && vm2 !== undefined && vm3 !== undefined);
    const machines = { core: [vm1, vm2, vm3], app: [], all: [vm1, vm2, vm3] };
    const known = { ...earlier.machines };
    delete known.vm2;
    const { all } = await checkReachable(config, machines, { ...earlier, machines: known }, {});
    assert.ok(Date.now() - started < 1000);
    assert.deepEqual(
      all.map(({ away, isNew }) => ({ away, isNew })),
      [false, true, false].map((isNew) => ({ away: undefined, isNew })),
    );
  });
});

for (const silent of ["vm1", "vm3"]) {
  describe(`the platform while ${silent} is away`, () => {
    let program: Program;
    let engine: Program["engine"];
    const lead = silent === "vm1" ? "vm2" : "vm1";
    const addressOf = (name: string) => config.machines[name]?.address;
    /** Everything that the update before made, but what this program's version adds. */
    const NEW = "pooler-guard";
    let usual: Record<string, string | undefined>;

    before(async () => {
      program = new Program();
      engine = program.engine;
      await program.run({ machines: THREE });
      usual = Object.fromEntries(engine.made.map(({ name, parent }) => [name, parent]));
      const known = engine.made.filter(({ name }) => !name.startsWith(NEW));
      const state = known.map(({ type, name }) => [
        `urn:pulumi:prod::trivet::any:parent:Type$${type}::${name}`,
        { type, outputs: {} },
      ]);
      const resources = Object.fromEntries(state) as Parameters<typeof marked>[4];
      await program.run({ machines: THREE }, (machines, given) =>
        marked(machines, given, [silent], previousFor(given), resources),
      );
    });
    after(() => {
      program.remove();
    });

    it("runs nothing on it, and changes nothing of what is there", () => {
      const there = engine.made.filter(({ name, custom, inputs }) => {
        const isPinned = JSON.stringify(inputs).includes(`node.labels.trivet.machine==${silent}`);
        return custom && (isPinned || engine.addressOf(name) === addressOf(silent));
      });
      assert.ok(there.length > 20, String(there.length));
      for (const { name, ignoreChanges } of there) assert.deepEqual(ignoreChanges, ["*"], name);
    });

    it("leaves out what it has never had, and has everything else", () => {
      const images = ["etcd", "postgres", "valkey"].map((image) => `image-${image}-vm1`);
      const shared = ["haproxy", "pgbouncer"].map((image) => `router-image-${image}-vm1`);
      const built = silent === "vm1" ? [...images, ...shared, "app-image-api-vm1"] : [];
      assert.deepEqual(
        engine.namesOf("trivet:core:LeftOut"),
        [...built, `${NEW}-${silent}`, `${NEW}-${silent}-files`].sort(),
      );
      // Contexts go to the machine that builds.
      const expected = Object.keys(usual).map((name) =>
        name.replace(/-vm1-context$/, `-${lead}-context`),
      );
      assert.deepEqual([...new Set(engine.names())], expected.sort());
    });

    it("does cluster-wide work on the first machine that is there", () => {
      for (const name of [
        ...["swarm-init", "swarm-nodes", "etcd-found", "etcd-members", "obsolete-removed"],
        ...["postgres-settings", "postgres-roles", "web-migrate", "web-try", "api-try"],
        ...[`image-etcd-${lead}`, `app-image-api-${lead}`, `image-etcd-${lead}-context`],
      ]) {
        assert.equal(engine.addressOf(name), addressOf(lead), name);
      }
      assert.match(String(engine.get("swarm-provider").inputs.host), /^ssh:/);
      const { host } = engine.get("swarm-provider").inputs;
      assert.ok(String(host).includes(addressOf(lead) ?? ""), String(host));
    });

    it("changes the machines that are there, and the applications", () => {
      for (const name of ["web", "api", `etcd-${lead}-files`, `nginx-${lead}-files`, "app1"]) {
        assert.deepEqual(engine.get(name).ignoreChanges, [], name);
      }
    });
  });
}
