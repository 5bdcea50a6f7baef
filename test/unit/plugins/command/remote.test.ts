import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CanceledError, DeadlineError } from "../../../plugins/lib/operation.js";
import { type PropertyMap, Secret } from "../../../plugins/lib/values.js";
import { operation } from "../support/resource.js";
import { RemoteCommand } from "../../../plugins/command/remote.js";
import { hasOpenSsh, startServer, type TestServer } from "../support/sshd.js";

describe("command:remote:Command over SSH", () => {
  const resource = new RemoteCommand();
  let server: TestServer;

  before(async () => {
    server = await startServer();
  });

  after(async () => {
    await server.stop();
  });

  function inputs(properties: PropertyMap, connection: PropertyMap = {}): PropertyMap {
    return { connection: new Secret(server.connection(connection)), ...properties };
  }

  function create(properties: PropertyMap, connection?: PropertyMap, running = operation()) {
    const request = { name: "it", inputs: inputs(properties, connection), preview: false };
    return resource.create(request, running);
  }

  it("keeps both outputs without their last line end, and the inputs with their marks", async () => {
    const properties = { create: "echo one; echo two; echo bad >&2" };
    const { id, outputs } = await create(properties);
    assert.match(id, /^it[0-9a-f]{8}$/);
    assert.deepEqual(outputs, { ...inputs(properties), stdout: "one\ntwo", stderr: "bad" });
  });

  it("runs nothing and has empty outputs without a create command", async () => {
    const { outputs } = await create({}, { port: 1 });
    assert.equal(outputs["stdout"], "");
  });

  it("passes standard input, closed at its end, also where it is large and secret", async () => {
    const stdin = "0123456789abcdef".repeat(64 * 1024);
    const { outputs } = await create({ create: "wc -c", stdin: new Secret(stdin) });
    assert.equal(outputs["stdout"], String(stdin.length));
    assert.deepEqual(outputs["stdin"], new Secret(stdin));
    assert.equal((await create({ create: "wc -c" })).outputs["stdout"], "0");
  });

  it("takes large output", async () => {
    const properties = { create: "seq 1 400000; seq 1 1000 >&2", logging: "none" };
    const { outputs } = await create(properties);
    const expected = Array.from({ length: 400_000 }, (_, index) => index + 1).join("\n");
    assert.equal(outputs["stdout"], expected);
    assert.equal(outputs["stderr"], expected.slice(0, expected.indexOf("\n1001")));
  });

  it("sets variables that the server accepts", async () => {
    const environment = { ACCEPTED_A: "x y", ACCEPTED_B: new Secret("z") };
    const create_ = 'echo "$ACCEPTED_A-$ACCEPTED_B"';
    assert.equal((await create({ create: create_, environment })).outputs["stdout"], "x y-z");
  });

  it("runs nothing if the server refuses a variable", async () => {
    const file = join(server.directory, "refused");
    const running = operation();
    await assert.rejects(
      create({ create: `touch ${file}`, environment: { OTHER: "1" } }, {}, running),
      { message: 'could not set environment variable "OTHER": ssh: setenv failed' },
    );
    assert.equal(existsSync(file), false);
    assert.match(running.log.messages[0]?.[1] ?? "", /^Unable to set 'OTHER'. This only works if/);
    assert.equal(running.log.messages[0]?.[0], "error");
  });

  it("gives the output before to the next run, and only warns where that is refused", async () => {
    const state = { ...inputs({}), stdout: "first", stderr: "oops" };
    const update = 'echo "$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR"';
    const running = operation();
    const request = { state, inputs: inputs({ create: "false", update }), preview: false };
    const outputs = await resource.update(request, running);
    assert.equal(outputs["stdout"], "first/");
    assert.deepEqual(
      running.log.messages.map(([severity, text]) => [severity, text.slice(0, 38)]),
      [["warning", "Unable to set 'PULUMI_COMMAND_STDERR'."]],
    );
    const off = inputs({ create: update, addPreviousOutputInEnv: false });
    const silent = await resource.update({ ...request, inputs: off }, operation());
    assert.equal(silent["stdout"], "/");
  });

  it("deletes with the command, connection and output of the state", async () => {
    const file = join(server.directory, "deleted");
    const state = {
      ...inputs({ delete: `printf %s "$PULUMI_COMMAND_STDOUT" > ${file}` }),
      stdout: "made",
      stderr: "",
    };
    await resource.delete(state, operation());
    assert.equal(readFileSync(file, "utf8"), "made");
    await resource.delete(inputs({}, { port: 1 }), operation());
  });

  it("reports status, command and everything written when a command fails", async () => {
    await assert.rejects(create({ create: 'echo out\necho "err" >&2\nexit 3' }), {
      message:
        'Process exited with status 3: running "echo out\\necho \\"err\\" >&2\\nexit 3":\n' +
        "out\nerr\n",
    });
  });

  it("reports the signal that ended a command", async () => {
    await assert.rejects(create({ create: "kill -KILL $$" }), {
      message: /^Process exited with status 137 from signal KILL: running "kill -KILL \$\$":\n/,
    });
  });

  it("reports a connection that is lost while a command runs", async function () {
    // The server in this process would end itself.
    if (!hasOpenSsh) this.skip();
    await assert.rejects(create({ create: "echo out; sleep 0.2; kill -KILL $PPID; sleep 9" }), {
      message:
        "wait: remote command exited without exit status or exit signal: " +
        'running "echo out; sleep 0.2; kill -KILL $PPID; sleep 9":\nout\n',
    });
  });

  it("logs the streams that are asked for, line by line", async () => {
    const command = "echo a; echo b; sleep 0.2; printf c >&2";
    const logged = async (logging: PropertyMap) => {
      const running = operation();
      await create({ create: command, ...logging }, {}, running);
      return running.log.statuses;
    };
    assert.deepEqual(await logged({}), ["a", "b", "c"]);
    assert.deepEqual(await logged({ logging: "stdoutAndStderr" }), ["a", "b", "c"]);
    assert.deepEqual(await logged({ logging: "stdout" }), ["a", "b"]);
    assert.deepEqual(await logged({ logging: "stderr" }), ["c"]);
    assert.deepEqual(await logged({ logging: "none" }), []);
  });

  it("refuses a line that the official plugin would hang on, unless logging is off", async () => {
    const command = "head -c 70000 /dev/zero | tr '\\0' x; sleep 60";
    await assert.rejects(
      create({ create: command }),
      /longer than 65535 bytes while logging is on/,
    );
    const short = { create: "head -c 70000 /dev/zero | tr '\\0' x", logging: "none" };
    assert.equal((await create(short)).outputs["stdout"], "x".repeat(70_000));
  });

  it("ends the session on a cancel", async () => {
    const file = join(server.directory, "alive");
    const controller = new AbortController();
    // It writes, so that it ends with the session also where the server delivers no signal.
    const command = `while sleep 0.1; do date +%s%N > ${file}; echo running; done`;
    const running = create({ create: command }, {}, operation(controller.signal));
    while (!existsSync(file)) await sleep(50);
    controller.abort(new CanceledError());
    await assert.rejects(running, /^Error: context canceled: running "while/);
    await sleep(500);
    const last = readFileSync(file, "utf8");
    await sleep(500);
    assert.equal(readFileSync(file, "utf8"), last);
  });

  it("does not end a running command when a custom time-out is over", async () => {
    const controller = new AbortController();
    setTimeout(() => {
      controller.abort(new DeadlineError());
    }, 300);
    const running = operation(controller.signal);
    const { outputs } = await create({ create: "sleep 0.8; echo done" }, {}, running);
    assert.equal(outputs["stdout"], "done");
  });
});
