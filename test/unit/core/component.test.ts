import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { Component, waitsFor } from "../../../components/core/component";
import { onHost } from "../../../components/core/host";
import { host, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

class Box extends Component {
  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("test:Box", name, opts);
    new random.RandomPassword(
      `${name}-child`,
      { length: 8 },
      { parent: this, dependsOn: waitsFor(this) },
    );
    this.registerOutputs({});
  }
}

describe("Component", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const first = () => new Box("first");
  const ways: [string, () => pulumi.ComponentResourceOptions["dependsOn"]][] = [
    ["a component", first],
    ["a list", () => [first()]],
    ["a promise in a list", () => [Promise.resolve(first())]],
    ["an output", () => pulumi.output(first())],
    ["a promise of a list", () => Promise.resolve([first()])],
  ];
  for (const [title, dependsOn] of ways) {
    it(`hands ${title} that it waits for down to its children`, async () => {
      const waited = dependsOn();
      assert.ok(waited !== undefined);
      new Box("second", { dependsOn: waited });
      await engine.settled();
      assert.deepEqual(engine.get("second-child").dependsOn, ["first-child"]);
    });
  }

  it("waits for nothing by itself, and writes no arguments into the state", async () => {
    const box = new Box("alone");
    await engine.settled();
    assert.deepEqual(box.waitsFor, []);
    assert.deepEqual(engine.get("alone-child").dependsOn, []);
    assert.deepEqual(engine.get("alone").inputs, {});
  });

  it("adds what a child waits for itself", () => {
    const box = new Box("first");
    const second = new Box("second", { dependsOn: box });
    assert.deepEqual(waitsFor(second, [box]), [box, box]);
    assert.deepEqual(waitsFor(second), [box]);
    assert.deepEqual(waitsFor(new random.RandomPassword("plain", { length: 8 }), box), [box]);
  });

  it("lets a resource go with its machine", () => {
    const machine = new Box("machine");
    const parent = new Box("parent", { dependsOn: machine });
    assert.deepEqual(onHost(host("vm1", 1), parent), { parent, dependsOn: [machine] });
    assert.deepEqual(onHost({ ...host("vm1", 1), machine }, parent, machine), {
      parent,
      dependsOn: [machine, machine],
      deletedWith: machine,
    });
  });
});
