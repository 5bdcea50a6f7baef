import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { runOverSsh } from "../../../components/core/ssh";

describe("a command over ssh", () => {
  const target = { address: "ssh://ops@192.0.2.1:22", options: [] };
  const path = process.env.PATH;
  let folder = "";
  /** What takes the place of ssh, and reads and prints as the command would. */
  const ssh = (script: string) => {
    writeFileSync(join(folder, "ssh"), `#!/bin/bash\n${script}\n`);
    chmodSync(join(folder, "ssh"), 0o755);
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-ssh-"));
    process.env.PATH = `${folder}${delimiter}${path ?? ""}`;
  });
  afterEach(() => {
    process.env.PATH = path;
    rmSync(folder, { recursive: true });
  });

  it("gets a line once it has printed another, and its input ends there", async () => {
    ssh(
      'read -r first; echo "$first"; sleep 0.3; echo ready; read -r second; echo "<$second>"; cat',
    );
    const started = performance.now();
    let sentAfter = Number.NaN;
    const sent = () => (sentAfter = performance.now() - started);
    const said = await runOverSsh(target, "x", 10, "one\n", { to: "ready", sent });
    assert.deepEqual(said, { code: 0, stdout: "one\nready\n<>\n", stderr: "" });
    assert.ok(sentAfter >= 300, `${sentAfter} ms`);
  });

  it("is not waited for where it never prints that, beyond its limit", async () => {
    ssh("cat");
    const sent = () => assert.fail("was sent");
    const { code } = await runOverSsh(target, "x", 1, "one\n", { to: "ready", sent });
    assert.equal(code, null);
    ssh("echo refused >&2; exit 1");
    const refused = await runOverSsh(target, "x", 10, "one\n", { to: "ready", sent });
    assert.deepEqual(refused, { code: 1, stdout: "", stderr: "refused\n" });
  });
});
