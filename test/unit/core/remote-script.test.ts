import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import {
  asRoot,
  readScript,
  remoteScript,
  renderInput,
  shellQuote,
} from "../../../components/core/remote-script";
import { assertNoLeak } from "../support/leaks";
import { valueOf } from "../support/outputs";
import { awayHost, host, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";
import { parseInput } from "../support/script-input";

const bash = (args: string[], input = "") =>
  spawnSync("bash", args, { input: Buffer.from(input), env: { PATH: "/usr/bin:/bin" } });

/** Any text that bash can hold, with a preference for what means something to it. */
const word = fc.oneof(
  fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", "")),
  fc
    .array(fc.constantFrom(...Array.from("'\"\\$`!*?[]{}()<>|&;#~ \t\n\r-=aé")))
    .map((parts) => parts.join("")),
);

describe("shellQuote", () => {
  const table: [string, string][] = [
    ["", "''"],
    ["plain", "plain"],
    ["10.0.0.1:80/a@b%c+d=e,f_g-h", "10.0.0.1:80/a@b%c+d=e,f_g-h"],
    ["two words", "'two words'"],
    ["it's", `'it'\\''s'`],
    ["$(reboot)", "'$(reboot)'"],
    ["~", "'~'"],
    ["a\nb", "'a\nb'"],
    ["é", "'é'"],
  ];
  for (const [text, quoted] of table) {
    it(`writes ${JSON.stringify(text)}`, () => {
      assert.equal(shellQuote(text), quoted);
    });
  }

  it("gives bash the very text, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 20, maxLength: 60 }), (words) => {
        const { stdout, status } = bash([
          "-c",
          `printf '%s\\0' ${words.map(shellQuote).join(" ")}`,
        ]);
        assert.equal(status, 0);
        assert.deepEqual(stdout, Buffer.from(words.map((each) => `${each}\0`).join("")));
      }),
      { numRuns: 40 },
    );
  });
});

describe("renderInput", () => {
  const head = `{
set -euo pipefail
trap 'printf "%s: stopped at: %s\\n" "$(hostname)" "$BASH_COMMAND" >&2' ERR
`;

  it("is one group that ends before the script's own input", () => {
    assert.equal(
      renderInput("cat\n\n", ["a b", "c"], "line 1\nline 2\n"),
      `${head}set -- 'a b' c\ncat\nexit 0\n}\nline 1\nline 2\n`,
    );
    assert.equal(renderInput("true", []), `${head}set -- \ntrue\nexit 0\n}\n`);
  });

  const run = (script: string, args: string[], data = "") => {
    const { stdout, status } = bash(["-s"], renderInput(script, args, data));
    return { stdout: stdout.toString(), status };
  };

  it("never runs its data, even what the script leaves unread", () => {
    const data = "first\n}\necho run\nexit 7\n";
    assert.deepEqual(run('read -r line; echo "$line"', [], data), { stdout: "first\n", status: 0 });
    assert.deepEqual(run("cat", [], data), { stdout: data, status: 0 });
  });

  it("stops at the first failure, also in a pipe, and at a variable that is not set", () => {
    for (const script of ["false\necho on", "false | cat\necho on", 'echo "$unset"\necho on']) {
      const { stdout, status } = run(script, []);
      assert.equal(stdout, "");
      assert.notEqual(status, 0);
    }
  });

  it("runs one at a time where it has a lock, and hands the rest over as without one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "trivet-lock-"));
    const name = `test of ${basename(folder)}`;
    const slow = `echo "$1 starts" >> ${folder}/log; sleep 0.3; echo "$1 ends" >> ${folder}/log`;
    const both = ["a", "b"].map(
      (word) =>
        new Promise((resolve) => {
          const child = spawn("bash", ["-s"]);
          child.once("close", resolve);
          child.stdin.end(renderInput(slow, [word], "", name));
        }),
    );
    assert.deepEqual(await Promise.all(both), [0, 0]);
    const lines = readFileSync(join(folder, "log"), "utf8").trim().split("\n");
    assert.equal(lines[0]?.[0], lines[1]?.[0], lines.join(", "));
    assert.deepEqual(parseInput(renderInput(slow, ["a b"], "x\n", name)), {
      words: ["a b"],
      args: "'a b'",
      script: slow,
      data: "x\n",
    });
    rmSync(folder, { recursive: true });
    rmSync(`/run/lock/trivet-${name.replaceAll(" ", "_")}`);
  });

  it("says at which line it stopped, as it is written there", () => {
    const { stderr } = bash(["-s"], renderInput('secret=$1\ntest "$secret" = x', ["hunter2"]));
    assert.match(stderr.toString(), /^\S+: stopped at: test "\$secret" = x\n$/);
  });

  it("hands arguments and data over as they are", () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 9 }), word, (words, data) => {
        const script = `printf '%s\\0' "$#" "$@"; cat`;
        const { stdout } = bash(["-s"], renderInput(script, words, data));
        const expected = [String(words.length), ...words].map((each) => `${each}\0`).join("");
        assert.deepEqual(stdout, Buffer.from(expected + data));
        assert.deepEqual(parseInput(renderInput(script, words, data)).words, words);
      }),
      { numRuns: 40 },
    );
  });
});

describe("asRoot", () => {
  it("is short, and names the resource", () => {
    assert.equal(
      asRoot("etcd-vm1"),
      'if [ "$(id -u)" = 0 ]; then exec bash -s; else exec sudo -n bash -s; fi # etcd-vm1',
    );
  });
});

describe("readScript", () => {
  it("drops the first line, which only a file needs", () => {
    const text = readScript(
      join(__dirname, "..", "..", "..", "components", "core"),
      "write-files.sh",
    );
    assert.match(text, /^# Writes files that arrive on standard input/);
  });
});

describe("remoteScript", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());
  const parent = () => new pulumi.ComponentResource("test:Parent", "parent");

  it("sends everything on standard input and nothing in the command", async () => {
    const script = { script: "cat", args: ["a b", pulumi.output("c")], stdin: "hunter2-long\n" };
    remoteScript("it", host("vm1", 1), script, parent());
    await engine.settled();
    const { inputs, secretInputs, secretOutputs, parent: above, type } = engine.get("it");
    assert.equal(type, "command:remote:Command");
    assert.deepEqual(Object.keys(inputs).sort(), [
      "addPreviousOutputInEnv",
      "connection",
      "create",
      "logging",
      "stdin",
    ]);
    assert.equal(inputs.create, asRoot("it"));
    assert.equal(inputs.addPreviousOutputInEnv, false);
    assert.equal(inputs.logging, "none");
    assert.equal(inputs.stdin, renderInput("cat", ["a b", "c"], "hunter2-long\n", "it"));
    assert.deepEqual(secretInputs, ["connection", "stdin"]);
    assert.deepEqual(secretOutputs, ["connection"]);
    assert.equal(above, "parent");
    assertNoLeak(engine.made, ["hunter2-long"]);
  });

  it("is no secret without an input, and its output only when told so", async () => {
    remoteScript("open", host("vm1", 1), { script: "true" }, parent());
    remoteScript("closed", host("vm1", 1), { script: "true", secretOutput: true }, parent());
    await engine.settled();
    assert.deepEqual(engine.get("open").secretInputs, ["connection"]);
    assert.deepEqual(engine.get("open").secretOutputs, ["connection"]);
    assert.deepEqual([...engine.get("closed").secretOutputs].sort(), ["connection", "stdout"]);
  });

  it("runs again when a mark changes, which may be of many lines", async () => {
    remoteScript("it", host("vm1", 1), { script: "true", after: ["one\nexit 1", "2"] }, parent());
    await engine.settled();
    assert.equal(engine.script("it").script, "# one exit 1\n# 2\ntrue");
  });

  it("waits for what it is told to wait for, and goes with its machine", async () => {
    const machine = remoteScript("machine", host("vm1", 1), { script: "true" }, parent());
    const dependsOn = [machine];
    remoteScript("it", { ...host("vm1", 1), machine }, { script: "true", dependsOn }, machine);
    await engine.settled();
    assert.deepEqual(engine.get("it").dependsOn, ["machine"]);
    assert.equal(engine.get("it").deletedWith, "machine");
  });

  it("takes back what it did, unless its machine goes too, and hears nothing of the script then", async () => {
    const resource = remoteScript("machine", host("vm1", 1), { script: "true" }, parent());
    const undo = `read -r line || line=nothing; echo "it's $line"`;
    remoteScript("it", { ...host("vm1", 1), resource }, { script: "echo again", undo }, resource);
    await engine.settled();
    const { inputs, deletedWith } = engine.get("it");
    assert.equal(deletedWith, "machine");
    const asUser = String(inputs.delete).replace("sudo -n ", "");
    const { stdout } = bash(["-c", asUser], "echo again\n");
    assert.equal(stdout.toString(), "it's nothing\n");
    assert.equal(engine.get("machine").inputs.delete, undefined);
    assert.equal(engine.get("machine").deletedWith, undefined);
  });

  it("runs once where it is told so, whatever changes later", async () => {
    remoteScript("it", host("vm1", 1), { script: "true", once: true }, parent());
    remoteScript("again", host("vm1", 1), { script: "true", once: false }, parent());
    await engine.settled();
    assert.deepEqual(engine.get("it").ignoreChanges, ["*"]);
    assert.deepEqual(engine.get("again").ignoreChanges, []);
  });

  it("does not run on a machine that is away, and is kept in the state", async () => {
    const vm1 = awayHost(host("vm1", 1), "command:remote:Command::it");
    const { stdout } = remoteScript("it", vm1, { script: "true" }, parent());
    await engine.settled();
    assert.deepEqual(engine.get("it").ignoreChanges, ["*"]);
    assert.equal(await valueOf(stdout), "sha256:of-it");
  });

  it("is left out on a machine that is away and has never had it", async () => {
    const known = ["command:remote:Command::that", "command:local:Command::it"];
    const script = { script: "true", stdin: "hunter2-long" };
    const run = remoteScript("it", awayHost(host("vm1", 1), ...known), script, parent());
    const dependsOn = [run];
    remoteScript("next", host("vm2", 2), { script: "true", args: [run.stdout], dependsOn }, run);
    await engine.settled();
    const { type, inputs, parent: above } = engine.get("it");
    assert.deepEqual([type, inputs, above], ["trivet:core:LeftOut", {}, "parent"]);
    assert.deepEqual(engine.script("next").words, [""]);
    assert.deepEqual([await valueOf(run.id), await valueOf(run.stdout)], ["", ""]);
    assert.deepEqual(engine.namesOf("command:remote:Command"), ["next"]);
  });
});
