import assert from "node:assert/strict";
import { checkTransitions, refusedChanges, type Previous } from "../../../stacks/transitions";
import { HOST_KEY, machine, parsed } from "./config/fixture";

const OTHER_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDOErIp7rMdPhkmz1vMXtbEcRdop+KU+YF9e/SPPCxmm";
const was = (number: number) => ({
  privateAddress: `10.0.0.${number}`,
  role: "core",
  hostKey: HOST_KEY,
});
const ONE: Previous = { machines: { vm1: was(1) }, database: { name: "app", user: "app" } };
const THREE: Previous = { ...ONE, machines: { vm1: was(1), vm2: was(2), vm3: was(3) } };
const three = { vm1: machine(1), vm2: machine(2), vm3: machine(3) };

const refused = (previous: Previous, changes: Record<string, unknown>) =>
  refusedChanges(previous, parsed(changes));

describe("changes that would leave data behind", () => {
  const table: [string, Previous, Record<string, unknown>, RegExp][] = [
    [
      "another database",
      ONE,
      { "database.name": "shop" },
      /^trivet:database\.name: was app and is shop: .* empty database, .*\[database\.name\]$/,
    ],
    [
      "another role",
      ONE,
      { "database.user": "shop" },
      /^trivet:database\.user: was app and is shop/,
    ],
    [
      "a machine with another name",
      ONE,
      { machines: { db1: machine(1) } },
      /^trivet:machines\.db1: is the machine that was called vm1, .*call it vm1 again$/,
    ],
    [
      "another machine under the only one's name",
      ONE,
      { "machines.vm1": machine(9) },
      /^trivet:machines\.vm1\.privateAddress: was 10\.0\.0\.1 and is another one, .*dump/,
    ],
    [
      "a machine that was made anew",
      ONE,
      { "machines.vm1.hostKey": OTHER_KEY },
      /^trivet:machines\.vm1\.hostKey: is another one/,
    ],
    [
      "the only machine gone",
      ONE,
      { machines: { vm7: machine(7) } },
      /^trivet:machines\.vm1: was removed, /,
    ],
    [
      "a core machine that becomes a worker",
      ONE,
      { machines: { vm1: { ...machine(1), role: "app" }, vm2: machine(2) } },
      /^trivet:machines\.vm1\.role: was core and is app, /,
    ],
  ];
  for (const [name, previous, changes, expected] of table) {
    it(`are refused: ${name}`, () => {
      const problems = refused(previous, changes);
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0] ?? "", expected);
    });
  }

  it("are refused all at once: two of three machines", () => {
    const machines = { vm1: machine(1), vm2: machine(8), vm3: machine(9) };
    assert.deepEqual(
      refused(THREE, { machines }).map((problem) => problem.split(":")[1]),
      ["machines.vm2.privateAddress", "machines.vm3.privateAddress"],
    );
  });

  it("are allowed by name", () => {
    const changes = { "database.name": "shop", "database.user": "shop", allow: ["database.name"] };
    assert.match(refused(ONE, changes).join(), /^trivet:database\.user: /);
    assert.deepEqual(refused(ONE, { ...changes, allow: ["database.name", "database.user"] }), []);
  });

  const fine: [string, Previous, Record<string, unknown>][] = [
    ["nothing", ONE, {}],
    ["another public address of the same machine", ONE, { "machines.vm1.address": "192.0.2.77" }],
    ["growing from one machine to three", ONE, { machines: three }],
    ["one of three in another place", THREE, { machines: { ...three, vm3: machine(9) } }],
    [
      "a worker that comes",
      ONE,
      { machines: { vm1: machine(1), app1: { ...machine(5), role: "app" } } },
    ],
  ];
  for (const [name, previous, changes] of fine) {
    it(`are not: ${name}`, () => {
      assert.deepEqual(refused(previous, changes), []);
    });
  }

  it("end the update with all of them, under the stack's name", () => {
    const config = parsed({ "database.name": "shop", "database.user": "shop" });
    assert.throws(
      () => {
        checkTransitions(config, ONE, "prod");
      },
      (error: Error) => {
        const [head, ...problems] = error.message.split("\n");
        assert.match(head ?? "", /^Configuration of stack "prod" /);
        assert.equal(problems.length, 2);
        return true;
      },
    );
  });

  it("are none where nothing was built yet, or nothing changes", () => {
    checkTransitions(parsed({ "database.name": "shop" }), undefined, "prod");
    checkTransitions(parsed(), ONE, "prod");
  });
});
