import assert from "node:assert/strict";
import { parseUrn, Provider } from "../../../plugins/lib/provider.js";
import { CanceledError, DeadlineError } from "../../../plugins/lib/operation.js";
import { LocalCommand } from "../../../plugins/command/local.js";
import { RecordedLog } from "../support/resource.js";

const LOCAL = "urn:pulumi:dev::p::trivet:core:Thing$command:local:Command::a::b";

describe("a stand-in provider", () => {
  const info = { name: "command", version: "1.2.1" };
  const make = () => new Provider(info, [new LocalCommand()]);
  const target = (timeoutSeconds = 0) => ({ urn: LOCAL, log: new RecordedLog(), timeoutSeconds });

  it("finds type and name in a URN", () => {
    assert.deepEqual(parseUrn(LOCAL), { type: "command:local:Command", name: "a::b" });
  });

  it("refuses a type that it does not serve, in every operation", () => {
    const urn = "urn:pulumi:dev::p::command:remote:CopyFile::x";
    const provider = make();
    const message =
      "the stand-in for command does not serve the type command:remote:CopyFile; " +
      "with the official plugin pulumi-resource-command v1.2.1 it may be available";
    const request = { state: {}, oldInputs: {}, inputs: {} };
    const other = { ...target(), urn };
    assert.throws(() => provider.check(urn, {}), { message });
    assert.throws(() => provider.diff(urn, request, []), { message });
    assert.throws(() => provider.create(other, {}, true), { message });
    assert.throws(() => provider.update(other, { ...request, preview: true }, []), { message });
    assert.throws(() => provider.delete(other, {}), { message });
    assert.throws(() => provider.read(urn, {}), { message });
  });

  it("refuses configuration", () => {
    const { failures } = make().checkConfig({ version: "1.2.1", __internal: {}, region: "x" });
    assert.deepEqual(
      failures.map(({ property }) => property),
      ["region"],
    );
    assert.match(failures[0]?.reason ?? "", /does not serve provider property region/);
  });

  it("leaves what is to be ignored as it is in the state", async () => {
    const provider = make();
    const state = { create: "echo old", triggers: ["a"], stdout: "", stderr: "" };
    const inputs = { create: "echo new", triggers: ["b"] };
    const oldInputs = { create: "echo old", triggers: ["a"] };
    const found = provider.diff(LOCAL, { state, oldInputs, inputs }, ["triggers"]);
    assert.deepEqual([...found.changes.keys()], ["create"]);
    const request = { state, inputs, preview: false };
    const outputs = await provider.update(target(), request, ["create"]);
    assert.deepEqual(outputs, { ...inputs, create: "echo old", stdout: "old", stderr: "" });
  });

  it("reads the state as it is, and imports nothing", () => {
    assert.deepEqual(make().read(LOCAL, { stdout: "x" }), { stdout: "x" });
    assert.throws(() => make().read(LOCAL, {}), /does not serve the import of command:local:Comm/);
  });

  it("gives a custom time-out to the operation", async () => {
    await assert.rejects(make().create(target(0.2), { create: "sleep 20" }, false), {
      message: `${new DeadlineError().message}: running "sleep 20":\n`,
    });
  });

  it("cancels what runs and what comes after", async () => {
    const provider = make();
    const { message } = new CanceledError();
    const running = provider.create(target(), { create: "sleep 20" }, false);
    setTimeout(() => {
      provider.operations.cancelAll();
    }, 100);
    await assert.rejects(running, { message: `${message}: running "sleep 20":\n` });
    await assert.rejects(provider.create(target(), { create: "true" }, false), {
      message: `${message}: running "true":\n`,
    });
    assert.ok(provider.operations.idle);
  });

  it("lists its properties in its schema", () => {
    const schema: unknown = JSON.parse(make().schema());
    assert.ok(typeof schema === "object" && schema !== null && "resources" in schema);
    assert.match(JSON.stringify(schema.resources), /"command:local:Command":.*"interpreter"/);
  });
});
