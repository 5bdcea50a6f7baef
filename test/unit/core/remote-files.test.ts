import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { RemoteFile } from "../../../components/core/remote-files";
import { remoteFiles, renderFileLine, signalService } from "../../../components/core/remote-files";
import { readScript, renderInput } from "../../../components/core/remote-script";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { host, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";
import { filesIn } from "../support/script-input";

describe("renderFileLine", () => {
  it("is path, mode, owner and the content in base64", () => {
    const file = { path: "/etc/a", content: "" };
    assert.equal(renderFileLine(file, "é\n"), "/etc/a 0644 0:0 w6kK\n");
    const closed = { ...file, mode: "0400", owner: "64801:64801" };
    assert.equal(renderFileLine(closed, ""), "/etc/a 0400 64801:64801 \n");
  });

  it("has the defaults that its documentation names", () => {
    const documented = documentedDefaults("components/core/remote-files.ts", "RemoteFile");
    assert.deepEqual(documented, { mode: "0644", owner: "0:0" });
  });
});

describe("signalService", () => {
  it("reaches only the container of that service, and none without an error", () => {
    assert.equal(
      signalService("etcd-vm1", "HUP"),
      "docker ps -q --filter label=com.docker.swarm.service.name=etcd-vm1 | xargs -r docker kill --signal HUP >/dev/null",
    );
  });
});

describe("write-files.sh", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-files-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const { uid, gid } = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const core = join(__dirname, "..", "..", "..", "components", "core");
  const script = readScript(core, "write-files.sh");

  function write(files: (RemoteFile & { content: string })[], ...args: string[]) {
    const lines = files.map((file) =>
      renderFileLine({ owner: `${uid}:${gid}`, ...file }, file.content),
    );
    const input = renderInput(script, args, lines.join(""));
    return spawnSync("bash", ["-s"], { input, encoding: "utf8" });
  }

  it("writes contents to the byte, empty ones too, with their modes", () => {
    const content = "no line end\u0000 é $(x) 'y'";
    const files = [
      { path: `${folder}/deep/a`, content },
      { path: `${folder}/b`, content: "", mode: "0400" },
    ];
    const { status, stderr } = write(files);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.equal(readFileSync(`${folder}/deep/a`, "utf8"), content);
    assert.equal(readFileSync(`${folder}/b`, "utf8"), "");
    assert.equal(statSync(`${folder}/deep/a`).mode & 0o777, 0o644);
    assert.equal(statSync(`${folder}/b`).mode & 0o777, 0o400);
    assert.deepEqual(readdirSync(folder), ["b", "deep"]);
  });

  it("replaces a file instead of writing into it", () => {
    write([{ path: `${folder}/a`, content: "old" }]);
    const before = statSync(`${folder}/a`).ino;
    write([{ path: `${folder}/a`, content: "new" }]);
    assert.equal(readFileSync(`${folder}/a`, "utf8"), "new");
    assert.notEqual(statSync(`${folder}/a`).ino, before);
  });

  it("puts back what was there when it stops in between, and leaves nothing half-written", () => {
    write([{ path: `${folder}/a`, content: "old" }]);
    const [good, never] = [`${folder}/good`, `${folder}/never`];
    for (const bad of [{ mode: "none" }, { owner: "no-such-user:0" }]) {
      const { status, stderr } = write([
        { path: good, content: "x" },
        { path: `${folder}/a`, content: "new", ...bad },
        { path: never, content: "x" },
      ]);
      assert.equal(status, 1);
      assert.match(stderr, /stopped at: ch(mod|own) /);
      assert.deepEqual(readdirSync(folder), ["a"]);
      assert.equal(readFileSync(`${folder}/a`, "utf8"), "old");
    }
  });

  it("puts back what was there when what comes afterwards refuses it", () => {
    write([{ path: `${folder}/a`, content: "old", mode: "0600" }]);
    const files = ["a", "b", "a"].map((name) => ({ path: `${folder}/${name}`, content: "new" }));
    const { status, stderr } = write(files, `echo 'web: refuses a' >&2; grep -q old ${folder}/a`);
    assert.deepEqual([status, stderr.split("\n")[0]], [1, "web: refuses a"]);
    assert.deepEqual(readdirSync(folder), ["a"]);
    assert.equal(readFileSync(`${folder}/a`, "utf8"), "old");
    assert.equal(statSync(`${folder}/a`).mode & 0o777, 0o600);
  });

  it("runs what comes afterwards once, and fails with it", () => {
    const files = [{ path: `${folder}/a`, content: "x" }];
    const after = `test -f ${folder}/a; touch ${folder}/ran`;
    assert.equal(write(files, after).status, 0);
    assert.ok(existsSync(`${folder}/ran`));
    assert.equal(write(files, "false | cat").status, 1);
  });
});

describe("remoteFiles", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("sends contents on standard input, as a secret", async () => {
    const parent = new pulumi.ComponentResource("test:Parent", "parent");
    const files = [
      { path: "/etc/a", content: pulumi.secret("hunter2-secret") },
      { path: "/etc/b", content: "plain", mode: "0600", owner: "1:1" },
    ];
    const first = remoteFiles("first", host("vm1", 1), { files }, parent);
    const args = { files, afterwards: "echo done", dependsOn: first };
    remoteFiles("second", host("vm1", 1), args, parent);
    await engine.settled();
    const { words, data } = engine.script("second");
    assert.deepEqual(words, ["echo done"]);
    assert.deepEqual(engine.script("first").words, []);
    assert.deepEqual(filesIn(data), {
      "/etc/a": { mode: "0644", owner: "0:0", content: "hunter2-secret" },
      "/etc/b": { mode: "0600", owner: "1:1", content: "plain" },
    });
    assert.deepEqual(engine.get("second").dependsOn, ["first"]);
    assertNoLeak(engine.made, ["hunter2-secret"]);
  });
});
