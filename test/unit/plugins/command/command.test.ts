/** The rules that hold for commands wherever they run: checks, differences, previews, marks. */
import assert from "node:assert/strict";
import { Computed, type PropertyMap, Secret } from "../../../plugins/lib/values.js";
import { LocalCommand } from "../../../plugins/command/local.js";
import { operation } from "../support/resource.js";
import { RemoteCommand } from "../../../plugins/command/remote.js";

const remote = new RemoteCommand();
const local = new LocalCommand();

describe("checks of commands", () => {
  it("add the connection's defaults, and keep it and what logs in secret", () => {
    const connection = { host: "h", privateKey: "k", proxy: { host: "p", password: "w" } };
    const { inputs, failures } = remote.check({ connection }, "it");
    const defaults = { dialErrorLimit: 10, perDialTimeout: 15, port: 22, user: "root" };
    assert.deepEqual(failures, []);
    assert.deepEqual(
      inputs["connection"],
      new Secret({
        ...{ host: "h", privateKey: new Secret("k"), ...defaults },
        proxy: { host: "p", password: new Secret("w"), ...defaults },
      }),
    );
  });

  it("keep given values, an unknown connection and unknown parts", () => {
    const given = {
      host: new Computed(),
      port: 2222,
      user: "ops",
      dialErrorLimit: 0,
      perDialTimeout: 0,
    };
    const checked = remote.check({ connection: new Secret(given) }, "it");
    assert.deepEqual(checked.inputs["connection"], new Secret(given));
    const unknown = remote.check({ connection: new Secret(new Computed()) }, "it");
    assert.deepEqual(unknown, {
      inputs: { connection: new Secret(new Computed()) },
      failures: [],
    });
  });

  it("refuse what is not in the table, at any depth, and name the official plugin", () => {
    const { failures } = remote.check({ connection: { host: "h", keyFile: "x" }, dir: "/" }, "it");
    assert.deepEqual(
      failures.map(({ property }) => property),
      ["connection.keyFile", "dir"],
    );
    assert.equal(
      failures[1]?.reason,
      "the stand-in for command does not serve property dir of command:remote:Command; " +
        "with the official plugin pulumi-resource-command v1.2.1 it may be available",
    );
    const { failures: assets } = local.check({ assetPaths: ["*"] }, "it");
    assert.match(assets[0]?.reason ?? "", /does not serve property assetPaths of command:local/);
  });

  it("name what is missing and what has a wrong type", () => {
    const reasons = (inputs: PropertyMap) =>
      remote.check(inputs, "it").failures.map(({ reason }) => reason);
    assert.deepEqual(reasons({}), ["missing required property connection"]);
    assert.deepEqual(reasons({ connection: {} }), ["missing required property connection.host"]);
    assert.deepEqual(reasons({ connection: { host: 1, port: "22" }, environment: { A: 1 } }), [
      "property connection.host must be a string, got a number",
      "property connection.port must be a number, got a string",
      "property environment must be a map of strings, got a map",
    ]);
  });

  it("drop what the engine adds for itself", () => {
    assert.deepEqual(local.check({ create: "x", version: "1", __internal: {} }, "it").inputs, {
      create: "x",
    });
  });
});

describe("differences of commands", () => {
  const olds = {
    create: "a",
    connection: new Secret({ host: "h" }),
    environment: { A: "1", "B.C": "2" },
    triggers: ["x", "y"],
  };

  function diff(news: PropertyMap) {
    const { changes, replaces } = remote.diff({ state: olds, oldInputs: olds, inputs: news });
    return { changes: Object.fromEntries(changes), replaces: [...replaces] };
  }

  it("are none for the same inputs", () => {
    assert.deepEqual(diff({ ...olds }), { changes: {}, replaces: [] });
  });

  it("update for every property but triggers", () => {
    const news = {
      ...{ create: "b", update: "u", delete: "d", stdin: "s", logging: "none" },
      ...{ connection: new Secret({ host: "i" }), environment: { A: "2" }, triggers: ["x", "y"] },
    };
    assert.deepEqual(diff(news), {
      changes: {
        create: "update",
        update: "add",
        delete: "add",
        stdin: "add",
        logging: "add",
        connection: "update",
        "environment.A": "update",
        'environment["B.C"]': "delete",
      },
      replaces: [],
    });
  });

  it("see a value that becomes secret or unknown", () => {
    assert.deepEqual(diff({ ...olds, create: new Secret("a") }).changes, { create: "update" });
    assert.deepEqual(diff({ ...olds, create: new Computed() }).changes, { create: "update" });
    assert.deepEqual(diff({ ...olds, environment: new Computed() }).changes, {
      environment: "update",
    });
  });

  it("name the changed trigger, for the package's own replaceOnChanges to match", () => {
    assert.deepEqual(diff({ ...olds, triggers: ["x", "z", "w"] }), {
      changes: { "triggers[1]": "update", "triggers[2]": "add" },
      replaces: [],
    });
  });

  it("replace where triggers as a whole come or go", () => {
    const { triggers, ...without } = olds;
    assert.deepEqual(diff(without), { changes: { triggers: "delete" }, replaces: ["triggers"] });
    const added = remote.diff({ state: {}, oldInputs: without, inputs: { ...without, triggers } });
    assert.deepEqual([...added.replaces], ["triggers"]);
  });
});

describe("previews of commands", () => {
  it("run nothing and know no output of a create", async () => {
    const inputs = { create: "exit 1", stdin: new Secret("s"), environment: { A: new Computed() } };
    const { outputs } = await local.create({ name: "it", inputs, preview: true }, operation());
    assert.deepEqual(outputs, { ...inputs, stdout: new Computed(), stderr: new Computed() });
  });

  it("know no output of an update that changes or loses a property", async () => {
    const state = { create: "exit 1", stdin: "s", stdout: new Secret("old"), stderr: "e" };
    for (const inputs of [{ create: "exit 2", stdin: "s" }, { create: "exit 1" }]) {
      const outputs = await local.update({ state, inputs, preview: true }, operation());
      const unknown = { stdout: new Secret(new Computed()), stderr: new Computed() };
      assert.deepEqual(outputs, { ...inputs, ...unknown });
    }
  });

  it("keep the output when a property is only added, as the official framework does", async () => {
    const state = { create: "exit 1", stdout: "old", stderr: "e" };
    const inputs = { create: "exit 1", update: "exit 2" };
    const outputs = await local.update({ state, inputs, preview: true }, operation());
    assert.deepEqual(outputs, { ...inputs, stdout: "old", stderr: "e" });
  });
});

describe("secrets of commands", () => {
  it("stay secret in the outputs, and make no other output secret", async () => {
    const inputs = { create: "cat", stdin: new Secret("s"), environment: { A: new Secret("x") } };
    const { outputs } = await local.create({ name: "it", inputs, preview: false }, operation());
    assert.deepEqual(outputs, { ...inputs, stdout: "s", stderr: "" });
  });

  it("may be in the command itself", async () => {
    const inputs = { create: new Secret("echo x") };
    const { outputs } = await local.create({ name: "it", inputs, preview: false }, operation());
    assert.deepEqual(outputs, { ...inputs, stdout: "x", stderr: "" });
  });
});
