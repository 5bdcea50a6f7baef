import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { userInfo } from "node:os";
import { utils } from "ssh2";
import { CanceledError, DeadlineError } from "../../../../plugins/lib/operation.js";
import { freePort, startServer, type TestServer } from "../../support/sshd.js";
import { dial } from "../../../../plugins/command/ssh/dial.js";
import { operation } from "../../support/resource.js";
import type { PropertyMap } from "../../../../plugins/lib/values.js";
import { readRoute } from "../../../../plugins/command/ssh/endpoint.js";
import { newSshKey } from "../../../../support/ssh-keys.js";
import { startInProcess } from "../../support/ssh-server.js";

describe("dialing a machine", () => {
  let server: TestServer;
  let agent: string | undefined;

  before(async () => {
    server = await startServer();
    agent = process.env["SSH_AUTH_SOCK"];
    delete process.env["SSH_AUTH_SOCK"];
  });

  after(async () => {
    await server.stop();
    if (agent !== undefined) process.env["SSH_AUTH_SOCK"] = agent;
  });

  async function attempt(connection: PropertyMap, running = operation()) {
    const dialed = await dial(readRoute(connection), running.log, running.signal);
    dialed.close();
  }

  it("accepts any host key where none is given", async () => {
    const connection = server.connection();
    delete connection["hostKey"];
    await attempt(connection);
  });

  it("accepts the given host key, with options and a comment around it", async () => {
    await attempt(server.connection({ hostKey: `# mine\nno-pty ${server.hostKey} vm1\n` }));
  });

  it("refuses another host key", async () => {
    await assert.rejects(attempt(server.connection({ hostKey: server.otherHostKey })), {
      message: "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    });
  });

  it("refuses a server that has no key of the given one's algorithm", async () => {
    const hostKey = utils.generateKeyPairSync("ecdsa", { bits: 256 }).public;
    await assert.rejects(attempt(server.connection({ hostKey })), {
      message:
        "after 0 failed attempts: ssh: handshake failed: ssh: no common algorithm for host key; " +
        "we offered: [ecdsa-sha2-nistp256], peer offered: [ssh-ed25519]",
    });
  });

  it("opens a key with its passphrase", async () => {
    const key = { privateKey: server.encryptedKey, privateKeyPassword: server.passphrase };
    await attempt(server.connection(key));
  });

  it("names the ways to log in that failed", async () => {
    const { private: privateKey } = newSshKey();
    await assert.rejects(attempt(server.connection({ privateKey })), {
      message:
        "after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, " +
        "attempted methods [none publickey], no supported methods remain",
    });
  });

  it("counts failed attempts: the limit is the number of repeats", async () => {
    const port = await freePort();
    const running = operation();
    await assert.rejects(attempt(server.connection({ port, dialErrorLimit: 2 }), running), {
      message: `after 2 failed attempts: dial tcp 127.0.0.1:${port}: connect: connection refused`,
    });
    assert.deepEqual(running.log.statuses, [
      "Dial 1/2 failed: retrying",
      "Dial 2/2 failed: retrying",
    ]);
  });

  it("goes on for ever with a limit of -1, until it is stopped", async () => {
    const port = await freePort();
    const connection = server.connection({ port, dialErrorLimit: -1 });
    for (const reason of [new CanceledError(), new DeadlineError()]) {
      const controller = new AbortController();
      const running = operation(controller.signal);
      setTimeout(() => {
        controller.abort(reason);
      }, 400);
      await assert.rejects(attempt(connection, running), { message: reason.message });
      assert.equal(running.log.statuses[0], "Dial 1/inf failed: retrying");
    }
  });

  it("gives up one attempt after the time-out", async () => {
    // TEST-NET-1: reserved for documentation, so that nothing answers.
    const connection = server.connection({ host: "192.0.2.1", port: 22, perDialTimeout: 1 });
    await assert.rejects(
      attempt(connection),
      /^Error: after 0 failed attempts: dial tcp 192.0.2.1:22: (i\/o timeout|connect: )/,
    );
  });

  it("reports a host that closes the connection at once", async () => {
    const closing: Server = createServer((socket) => socket.destroy());
    const port = await new Promise<number>((resolve) => {
      closing.listen(0, "127.0.0.1", () => {
        const address = closing.address();
        resolve(typeof address === "object" ? (address?.port ?? 0) : 0);
      });
    });
    await assert.rejects(attempt(server.connection({ port })), {
      message: "after 0 failed attempts: ssh: handshake failed: EOF",
    });
    closing.close();
  });

  it("reports a name that does not resolve", async () => {
    await assert.rejects(
      attempt(server.connection({ host: "nowhere.invalid" })),
      /dial tcp: lookup nowhere\.invalid: no such host$/,
    );
  });

  it("tries password, then keyboard-interactive, with the same password", async () => {
    const inProcess = await startInProcess({
      hostKey: newSshKey().private,
      password: "other",
      keyboardPassword: "pass",
    });
    await attempt({ host: "127.0.0.1", port: inProcess.port, password: "pass", user: "it" });
    assert.deepEqual(inProcess.attempts, ["none", "password", "keyboard-interactive"]);
    await inProcess.stop();
  });

  it("fails at once, even with a key, if the agent's socket does not answer", async () => {
    const agentSocketPath = join(server.directory, "no-agent");
    await assert.rejects(attempt(server.connection({ agentSocketPath, dialErrorLimit: 5 })), {
      message: `dial unix ${agentSocketPath}: connect: no such file or directory`,
    });
  });

  it("goes through a proxy", async () => {
    const proxy = server.connection();
    await attempt(server.connection({ proxy }));
  });

  it("says which part of the way through a proxy failed", async () => {
    const port = await freePort();
    const running = operation();
    await assert.rejects(
      attempt(
        server.connection({ proxy: server.connection({ port, dialErrorLimit: 1 }) }),
        running,
      ),
      {
        message:
          `proxy: after 1 failed attempts: dial tcp 127.0.0.1:${port}: ` +
          "connect: connection refused",
      },
    );
    assert.deepEqual(running.log.statuses, ["Dial proxy 1/1 failed: retrying"]);
    await assert.rejects(
      attempt(server.connection({ port, proxy: server.connection() })),
      /^Error: proxy: after 0 failed attempts: ssh: rejected: connect failed \(/,
    );
    const hostKey = server.otherHostKey;
    await assert.rejects(attempt(server.connection({ proxy: server.connection({ hostKey }) })), {
      message: "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    });
    await assert.rejects(attempt(server.connection({ hostKey, proxy: server.connection() })), {
      message: "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    });
  });

  it("takes defaults for what a connection leaves out", () => {
    const { target } = readRoute({ host: "::1" });
    assert.deepEqual(
      { ...target },
      { host: "::1", port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15 },
    );
    assert.notEqual(userInfo().username, "");
  });
});
