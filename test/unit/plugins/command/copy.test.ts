import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ARCHIVE_SIGNATURE, ASSET_SIGNATURE } from "../../../plugins/lib/wire.js";
import { Computed, type PropertyMap, Secret, Special } from "../../../plugins/lib/values.js";
import { hasOpenSsh, startServer, type TestServer } from "../support/sshd.js";
import { CopyToRemote } from "../../../plugins/command/copy.js";
import { operation } from "../support/resource.js";

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const textAsset = (text: string) => new Special(ASSET_SIGNATURE, { text, hash: hash(text) });
const fileAsset = (path: string) => new Special(ASSET_SIGNATURE, { path, hash: hash(path) });
const fileArchive = (path: string) => new Special(ARCHIVE_SIGNATURE, { path, hash: hash(path) });

describe("command:remote:CopyToRemote", () => {
  const resource = new CopyToRemote();
  const connection = new Secret({ host: "h" });

  it("asks for a file asset, a text asset or a file archive", () => {
    const reasons = (source: PropertyMap[string]) =>
      resource
        .check({ connection, remotePath: "/x", source }, "it")
        .failures.map(({ reason }) => reason);
    assert.deepEqual(reasons(textAsset("a")), []);
    assert.deepEqual(reasons(fileAsset("a")), []);
    assert.deepEqual(reasons(fileArchive("a")), []);
    assert.deepEqual(reasons(new Computed()), []);
    assert.deepEqual(reasons(new Special(ASSET_SIGNATURE, { uri: "http://x" })), [
      "asset must be a path-based file asset or a text asset",
    ]);
    assert.deepEqual(reasons(new Special(ARCHIVE_SIGNATURE, { assets: {} })), [
      "archive must be a path to a file or directory",
    ]);
    assert.deepEqual(reasons("a"), [
      "property source must be a file asset, string asset or file archive, got a string",
    ]);
  });

  it("copies nothing in a preview", async () => {
    const inputs = { connection, remotePath: "/x", source: textAsset("a") };
    assert.deepEqual(await resource.create({ name: "it", inputs, preview: true }, operation()), {
      id: "",
      outputs: inputs,
    });
  });

  it("copies nothing when only the connection changed", async () => {
    const inputs = { connection, remotePath: "/x", source: textAsset("a") };
    const state = { ...inputs, connection: new Secret({ host: "other" }) };
    assert.deepEqual(await resource.update({ state, inputs, preview: false }, operation()), inputs);
  });

  describe("over SFTP", () => {
    let server: TestServer;
    let local: string;
    let remote: string;

    before(async function () {
      // The server in this process has no SFTP.
      if (!hasOpenSsh) this.skip();
      server = await startServer();
      local = join(server.directory, "local");
      mkdirSync(join(local, "tree", "inner"), { recursive: true });
      writeFileSync(join(local, "file"), "x".repeat(300_000));
      writeFileSync(join(local, "tree", "a"), "A");
      writeFileSync(join(local, "tree", "inner", "empty"), "");
    });

    beforeEach(() => {
      remote = join(server.directory, `remote-${Math.random().toString(36).slice(2)}`);
    });

    after(async () => {
      if (hasOpenSsh) await server.stop();
    });

    async function copy(source: Special, remotePath: string) {
      const inputs = { connection: new Secret(server.connection()), remotePath, source };
      return resource.create({ name: "it", inputs, preview: false }, operation());
    }

    it("writes a text, with the folders above it, and overwrites a file", async () => {
      const target = join(remote, "deep", "er", "text");
      const { id } = await copy(textAsset("héllo"), target);
      assert.match(id, /^[0-9a-f]{8}$/);
      assert.equal(readFileSync(target, "utf8"), "héllo");
      await copy(textAsset("h"), target);
      assert.equal(readFileSync(target, "utf8"), "h");
    });

    it("refuses to write a text over a folder", async () => {
      mkdirSync(remote);
      await assert.rejects(copy(textAsset("h"), remote), {
        message: `remote path ${remote} is a directory; when using a text asset, remotePath must be a file path`,
      });
    });

    it("puts a file at a path, or into a folder that exists", async () => {
      await copy(fileAsset(join(local, "file")), join(remote, "new"));
      assert.equal(readFileSync(join(remote, "new"), "utf8").length, 300_000);
      await copy(fileAsset(join(local, "file")), remote);
      assert.equal(readFileSync(join(remote, "file"), "utf8").length, 300_000);
    });

    it("puts a folder into a path, by its name or with a slash its content", async () => {
      await copy(fileArchive(join(local, "tree")), remote);
      assert.deepEqual(readdirSync(join(remote, "tree")).sort(), ["a", "inner"]);
      assert.equal(readFileSync(join(remote, "tree", "inner", "empty"), "utf8"), "");
      await copy(fileArchive(`${join(local, "tree")}/`), join(remote, "content"));
      assert.equal(readFileSync(join(remote, "content", "a"), "utf8"), "A");
    });

    it("refuses a folder where a file is", async () => {
      mkdirSync(remote);
      writeFileSync(join(remote, "tree"), "");
      await assert.rejects(copy(fileArchive(join(local, "tree")), remote), {
        message: `remote path ${join(remote, "tree")} exists but is not a directory`,
      });
    });

    it("names a local file that is missing", async () => {
      const path = join(local, "none");
      await assert.rejects(copy(fileAsset(path), remote), {
        message: `open ${path}: no such file or directory`,
      });
    });

    it("copies again when the content or the path changed", async () => {
      const before = { connection: new Secret(server.connection()), remotePath: remote };
      const state = { ...before, source: textAsset("old") };
      const update = (inputs: PropertyMap, preview = false) =>
        resource.update({ state, inputs, preview }, operation());
      await update({ ...before, source: textAsset("new") }, true);
      assert.equal(existsSync(remote), false);
      await update({ ...before, source: textAsset("old") });
      assert.equal(existsSync(remote), false);
      await update({ ...before, source: textAsset("new") });
      assert.equal(readFileSync(remote, "utf8"), "new");
    });
  });
});
