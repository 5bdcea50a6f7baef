import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { CanceledError, DeadlineError } from "../../../plugins/lib/operation.js";
import { LocalCommand } from "../../../plugins/command/local.js";
import { operation } from "../support/resource.js";
import { type PropertyMap, Secret } from "../../../plugins/lib/values.js";

describe("command:local:Command", () => {
  const resource = new LocalCommand();
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "trivet-local-"));
  });

  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  async function stdout(inputs: PropertyMap, running = operation()) {
    const { outputs } = await resource.create({ name: "it", inputs, preview: false }, running);
    return outputs["stdout"];
  }

  it("runs in a shell, with input, variables and folder", async () => {
    const environment = { WHO: new Secret("you") };
    const inputs = { create: 'pwd; read line; echo "$line $WHO"', stdin: "hello\n", environment };
    assert.equal(await stdout({ ...inputs, dir: directory }), `${directory}\nhello you`);
    assert.equal(await stdout({ create: "pwd" }), process.cwd());
  });

  it("runs in another interpreter", async () => {
    const interpreter = ["node", "-e"];
    assert.equal(await stdout({ create: "console.log(1 + 1)", interpreter }), "2");
    assert.equal(await stdout({ create: "echo 2", interpreter: [] }), "2");
  });

  it("updates by update, else by create, with the output before", async () => {
    const state = { create: "x", stdout: "old", stderr: "bad" };
    const update = async (inputs: PropertyMap) =>
      (await resource.update({ state, inputs, preview: false }, operation()))["stdout"];
    const command = 'echo "$PULUMI_COMMAND_STDOUT-$PULUMI_COMMAND_STDERR"';
    assert.equal(await update({ create: "false", update: command }), "old-bad");
    assert.equal(await update({ create: command }), "old-bad");
    assert.equal(await update({ create: command, addPreviousOutputInEnv: false }), "-");
    assert.equal(await update({}), "old");
  });

  it("deletes by the state's delete, or not at all", async () => {
    const file = join(directory, "deleted");
    const remove = `printf %s "$PULUMI_COMMAND_STDOUT" > ${file}`;
    await resource.delete({ delete: remove, stdout: "made", stderr: "" }, operation());
    assert.equal(readFileSync(file, "utf8"), "made");
    await resource.delete({ create: "false", stdout: "", stderr: "" }, operation());
  });

  it("reports how a command failed, the command and what it wrote", async () => {
    const fails = (inputs: PropertyMap) => stdout(inputs).catch((error: unknown) => String(error));
    assert.equal(
      await fails({ create: "echo a; exit 7" }),
      'Error: exit status 7: running "echo a; exit 7":\na\n',
    );
    assert.equal(
      await fails({ create: "kill $$" }),
      'Error: signal: terminated: running "kill $$":\n',
    );
    assert.equal(
      await fails({ create: "x", interpreter: ["no-such-program"] }),
      'Error: exec: "no-such-program": executable file not found in $PATH: running "x":\n',
    );
    assert.equal(
      await fails({ create: "x", interpreter: ["/no/such"] }),
      'Error: fork/exec /no/such: no such file or directory: running "x":\n',
    );
    assert.equal(
      await fails({ create: "x", dir: "/no/dir" }),
      'Error: chdir /no/dir: no such file or directory: running "x":\n',
    );
  });

  it("logs what is asked for", async () => {
    const running = operation();
    const inputs = { create: "echo a; echo b >&2", logging: "stderr" };
    await stdout(inputs, running);
    assert.deepEqual(running.log.statuses, ["b"]);
  });

  it("kills the command on a cancel and when its time is over", async () => {
    for (const reason of [new CanceledError(), new DeadlineError()]) {
      const controller = new AbortController();
      setTimeout(() => {
        controller.abort(reason);
      }, 100);
      const began = Date.now();
      await assert.rejects(stdout({ create: "sleep 30; true" }, operation(controller.signal)), {
        message: `${reason.message}: running "sleep 30; true":\n`,
      });
      assert.ok(Date.now() - began < 5000);
    }
  });
});
