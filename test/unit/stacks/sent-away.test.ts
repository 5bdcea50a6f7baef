import assert from "node:assert/strict";
import { marked } from "../../../stacks/away";
import type { Finding } from "../../../stacks/probe";
import type { Report } from "../../../stacks/report";
import { machine, parsed } from "./config/fixture";
import { was } from "./previous";
import { THREE } from "./program";
import { hosts } from "../support/platform";

const config = parsed({ machines: THREE });

describe("machines that an update began to send away, and the configuration has again", () => {
  const [vm1, vm2, vm3] = hosts(3);
  assert.ok(vm1 !== undefined && vm2 !== undefined && vm3 !== undefined);
  const three = { core: [vm1, vm2, vm3], app: [], all: [vm1, vm2, vm3] };
  const swarm = { state: "active", managers: [] };
  const answers = (report: Report["swarm"]): Finding => ({
    state: "answers",
    said: "",
    ...(report && { report: { swarm: report } }),
  });
  const detached = (findings: Readonly<Record<string, Finding>>, given = config) =>
    marked(three, given, [], was(1, 2, 3), {}, findings)
      .all.filter(({ isDetached }) => isDetached === true)
      .map(({ name }) => name);
  const manager = (...leaving: string[]) => answers({ ...swarm, isManager: true, leaving });
  const worker = answers({ ...swarm, isManager: false });

  it("are told apart by the mark that they have in the Swarm", () => {
    assert.deepEqual(detached({ vm1: manager(), vm2: manager(), vm3: manager() }), []);
    const findings = { vm1: manager(), vm2: manager("vm1"), vm3: manager("gone") };
    assert.deepEqual(detached(findings), ["vm1"]);
  });

  it("or, core machines, by managing nothing", () => {
    assert.deepEqual(detached({ vm1: worker, vm2: manager(), vm3: answers(undefined) }), ["vm1"]);
    const app = parsed({
      machines: { ...THREE, vm1: { ...machine(1), role: "app" }, vm4: machine(5) },
    });
    assert.deepEqual(detached({ vm1: worker, vm2: manager(), vm3: manager() }, app), []);
    // It has just started, and looks for the others.
    const pending = answers({ ...swarm, state: "pending", isManager: false });
    assert.deepEqual(detached({ vm1: pending, vm2: manager(), vm3: manager() }), []);
  });

  it("or by being in no Swarm", () => {
    const out = answers({ ...swarm, state: "inactive", isManager: false });
    assert.deepEqual(detached({ vm1: manager(), vm2: out, vm3: manager() }), ["vm2"]);
  });

  it("or by being a node that the Swarm's managers do not know", () => {
    const knows = (node: string, nodes = ["n1", "n2", "n3"]) =>
      answers({ ...swarm, id: "ours", node, nodes, isManager: true, leaving: [] });
    const lost = answers({ state: "error", id: "ours", node: "n0", managers: [] });
    assert.deepEqual(detached({ vm1: knows("n1"), vm2: knows("n2"), vm3: lost }), ["vm3"]);
    const known = answers({ state: "error", id: "ours", node: "n3", managers: [] });
    assert.deepEqual(detached({ vm1: knows("n1"), vm2: knows("n2"), vm3: known }), []);
    // Nobody can tell.
    assert.deepEqual(detached({ vm1: manager(), vm2: manager(), vm3: lost }), []);
    const elsewhere = answers({ state: "error", id: "another", node: "n0", managers: [] });
    assert.deepEqual(detached({ vm1: knows("n1"), vm2: knows("n2"), vm3: elsewhere }), []);
  });

  it("are to join anew where the Swarm has removed them, new ones too", () => {
    const vm1Knows = { ...swarm, id: "ours", node: "n1", nodes: ["n1"], isManager: true };
    const lost = answers({ state: "active", id: "ours", node: "n0", managers: ["10.0.0.1"] });
    const findings = { vm1: answers(vm1Knows), vm2: lost };
    for (const previous of [was(1, 3), was(1, 2, 3), undefined]) {
      const { all } = marked(three, config, [], previous, {}, findings);
      assert.deepEqual(
        all.map(({ removedNode, isDetached }) => [removedNode, isDetached]),
        [
          [undefined, undefined],
          ["n0", true],
          [undefined, undefined],
        ],
      );
    }
  });

  it("are no new ones, that have it all before them", () => {
    const anew = parsed({
      machines: { ...THREE, vm1: { ...machine(1), privateAddress: "10.0.0.77" } },
    });
    assert.deepEqual(detached({ vm1: worker, vm2: manager("vm1"), vm3: manager() }, anew), []);
  });
});
