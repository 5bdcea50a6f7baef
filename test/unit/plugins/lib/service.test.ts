/** The plugins as the engine sees them: their real executables, through their real protocol. */
import assert from "node:assert/strict";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { answer, BIN, type PluginProcess, startPlugin } from "../support/process.js";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { Computed, Secret } from "../../../plugins/lib/values.js";
import { decodeMap, encodeMap } from "../../../plugins/lib/wire.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { join } from "node:path";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { tmpdir } from "node:os";

const URN = "urn:pulumi:dev::p::command:local:Command::it";
const { ADD, UPDATE } = messages.PropertyDiff.Kind;

describe("plugin executables", () => {
  let directory: string;
  let command: PluginProcess;
  let random: PluginProcess;

  before(async function () {
    this.timeout(60_000);
    directory = mkdtempSync(join(tmpdir(), "trivet-plugins-"));
    const link = join(directory, "pulumi-resource-command");
    symlinkSync(join(BIN, "pulumi-resource-command"), link);
    command = await startPlugin(link);
    random = await startPlugin(join(BIN, "pulumi-resource-random"));
  });

  after(async () => {
    const codes = await Promise.all([command.stop(), random.stop()]);
    rmSync(directory, { recursive: true, force: true });
    assert.deepEqual(codes, [143, 143]);
  });

  function create(properties: Parameters<typeof encodeMap>[0], preview = false) {
    const request = new messages.CreateRequest().setUrn(URN).setPreview(preview);
    request.setProperties(encodeMap(properties));
    return answer<messages.CreateResponse>((done) => command.client.create(request, done));
  }

  it("tell the official plugins' versions", async () => {
    const versions = await Promise.all(
      [command, random].map(async ({ client }) => {
        const info = await answer<PluginInfo>((done) => client.getPluginInfo(new Empty(), done));
        return info.getVersion();
      }),
    );
    assert.deepEqual(versions, ["1.2.1", "4.21.2"]);
  });

  it("accept secrets and run previews themselves", async () => {
    const configured = await answer<messages.ConfigureResponse>((done) =>
      command.client.configure(new messages.ConfigureRequest(), done),
    );
    assert.deepEqual(
      [
        configured.getAcceptsecrets(),
        configured.getSupportspreview(),
        configured.getAcceptoutputs(),
      ],
      [true, true, true],
    );
  });

  it("take the engine's configuration without a difference", async () => {
    const request = new messages.CheckRequest().setNews(
      Struct.fromJavaScript({ version: "1.2.1" }),
    );
    const checked = await answer<messages.CheckResponse>((done) =>
      command.client.checkConfig(request, done),
    );
    assert.deepEqual(decodeMap(checked.getInputs()), { version: "1.2.1" });
    const diff = await answer<messages.DiffResponse>((done) =>
      command.client.diffConfig(new messages.DiffRequest(), done),
    );
    assert.deepEqual(diff.getReplacesList(), []);
  });

  it("answer a check with each failure", async () => {
    const request = new messages.CheckRequest()
      .setUrn(URN)
      .setNews(encodeMap({ assetPaths: ["*"], create: 1 }));
    const checked = await answer<messages.CheckResponse>((done) =>
      command.client.check(request, done),
    );
    const failures = checked.getFailuresList().map((failure) => failure.getProperty());
    assert.deepEqual(failures, ["assetPaths", "create"]);
  });

  it("answer a difference with paths, roots and what replaces", async () => {
    const diff = async (olds: object, news: object) => {
      const request = new messages.DiffRequest().setUrn(URN);
      request.setOlds(Struct.fromJavaScript({ ...olds }));
      request.setOldInputs(Struct.fromJavaScript({ ...olds }));
      request.setNews(Struct.fromJavaScript({ ...news }));
      const found = await answer<messages.DiffResponse>((done) =>
        command.client.diff(request, done),
      );
      const details: Record<string, number> = {};
      found.getDetaileddiffMap().forEach((entry, path) => {
        details[path] = entry.getKind();
      });
      return {
        changes: found.getChanges(),
        details,
        diffs: found.getDiffsList(),
        replaces: found.getReplacesList(),
      };
    };
    const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
    assert.deepEqual(await diff({ create: "a" }, { create: "a" }), {
      changes: DIFF_NONE,
      details: {},
      diffs: [],
      replaces: [],
    });
    assert.deepEqual(await diff({ triggers: ["a"] }, { triggers: ["b", "c"] }), {
      changes: DIFF_SOME,
      details: { "triggers[0]": UPDATE, "triggers[1]": ADD },
      diffs: ["triggers"],
      replaces: [],
    });
    assert.deepEqual((await diff({}, { triggers: ["b"] })).replaces, ["triggers"]);
  });

  it("create, with the log in order before the answer", async () => {
    const before = command.logged.length;
    const made = await create({ create: "seq 1 500", environment: { A: new Secret("x") } });
    assert.match(made.getId(), /^it[0-9a-f]{8}$/);
    const outputs = decodeMap(made.getProperties());
    assert.deepEqual(outputs["environment"], { A: new Secret("x") });
    const lines = command.logged.slice(before);
    assert.equal(lines.map(({ message }) => message).join("\n"), outputs["stdout"]);
    assert.ok(lines.every(({ urn, ephemeral }) => urn === URN && ephemeral));
  });

  it("create in a preview without running anything", async () => {
    const made = await create({ create: "exit 1" }, true);
    assert.deepEqual(decodeMap(made.getProperties())["stdout"], new Computed());
  });

  it("report a failure whole", async () => {
    // The engine takes 16 MB; this test's own client takes far less.
    const big = "head -c 10000 /dev/zero | tr '\\0' x | fold -w 1000; echo ✓; exit 1";
    await assert.rejects(create({ create: big, logging: "none" }), (error: Error) => {
      assert.match(error.message, /^2 UNKNOWN: exit status 1: running "head -c/);
      assert.ok(error.message.length > 10_000);
      return error.message.endsWith("✓\n");
    });
  });

  it("refuse functions and unknown types", async () => {
    const invoke = new messages.InvokeRequest().setTok("command:local:run");
    await assert.rejects(
      answer<messages.InvokeResponse>((done) => command.client.invoke(invoke, done)),
      /does not serve the function command:local:run; with the official plugin/,
    );
    const check = new messages.CheckRequest().setUrn(
      "urn:pulumi:d::p::random:index/randomPet:RandomPet::x",
    );
    await assert.rejects(
      answer<messages.CheckResponse>((done) => random.client.check(check, done)),
      /does not serve the type random:index\/randomPet:RandomPet; with the official plugin/,
    );
  });

  it("read the state back, and delete", async () => {
    const properties = encodeMap({ create: "x", delete: "exit 4", stdout: new Secret("y") });
    const request = new messages.ReadRequest().setUrn(URN).setId("i").setProperties(properties);
    const read = await answer<messages.ReadResponse>((done) => command.client.read(request, done));
    assert.equal(read.getId(), "i");
    assert.deepEqual(decodeMap(read.getProperties())["stdout"], new Secret("y"));
    const removal = new messages.DeleteRequest().setUrn(URN).setProperties(properties);
    await assert.rejects(
      answer<Empty>((done) => command.client.delete(removal, done)),
      /exit status 4: running "exit 4":/,
    );
  });

  it("end what runs on a cancel", async () => {
    const plugin = await startPlugin(join(BIN, "pulumi-resource-command"));
    const request = new messages.CreateRequest().setUrn(URN);
    request.setProperties(encodeMap({ create: "echo up; sleep 60" }));
    const running = assert.rejects(
      answer<messages.CreateResponse>((done) => plugin.client.create(request, done)),
      /context canceled: running "echo up; sleep 60":\nup/,
    );
    while (plugin.logged.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await answer<Empty>((done) => plugin.client.cancel(new Empty(), done));
    await running;
    await plugin.stop();
  });
});
