import assert from "node:assert/strict";
import { HOST_KEY, machine, parsed, table } from "./fixture";
import { KEY } from "./pem";

const ADDRESS = "must be an IP address or a DNS name; user and port have their own fields";
const PRIVATE = "must be the machine's IPv4 address that the other machines reach";
const LABEL =
  "must be named with 1 to 63 lower-case letters, digits or hyphens, starting with a letter";
const HOST_KEY_RULE =
  'must read like "ssh-ed25519 AAAA…": take it from `ssh-keyscan -t ed25519 ADDRESS`, without the address';
const QUORUM = "must have 1, 3 or 5: an even number survives no more failures than one fewer";
const machines = (...numbers: number[]) =>
  Object.fromEntries(numbers.map((number) => [`vm${number}`, machine(number)]));

describe("configuration: machines", () => {
  table([
    [{ machines: undefined }, "machines: is missing, must be a mapping by name"],
    [{ machines: {} }, "machines: is empty, must name at least one machine"],
    [{ machines: "vm1" }, "machines: is text, must be a mapping by name"],
    [{ machines: null }, "machines: is empty, must be a mapping by name"],
    [{ "machines.vm1": ["a"] }, "machines.vm1: is a list, must be a mapping"],
    [{ machines: machines(1, 2, 3) }],
    [{ machines: machines(1, 2, 3, 4, 5) }],
    [{ machines: machines(1, 2) }, `machines: has 2 machines of role "core", ${QUORUM}`],
    [
      { machines: machines(1, 2, 3, 4, 5, 6, 7) },
      'machines: has 7 machines of role "core", must have 1, 3 or 5: each further one makes every decision wait for more machines',
    ],
    [
      { machines: { vm1: { ...machine(1), role: "app" } } },
      `machines: has 0 machines of role "core", ${QUORUM}`,
    ],
    [{ "machines.app1": { ...machine(7), role: "app" } }],
    [{ [`machines.${"v".repeat(63)}`]: { ...machine(7), role: "app" } }],
    [
      { [`machines.${"v".repeat(64)}`]: { ...machine(7), role: "app" } },
      `machines.${"v".repeat(64)}: is a mapping, ${LABEL}`,
    ],
    [
      { 'machines.a"$(x)\n': { ...machine(7), role: "app" } },
      `machines["a\\"$(x)\\n"]: is a mapping, ${LABEL}`,
    ],
    [{ "machines.vm1.address": undefined }, `machines.vm1.address: is missing, ${ADDRESS}`],
    [{ "machines.vm1.address": "" }, `machines.vm1.address: is "", ${ADDRESS}`],
    [
      { "machines.vm1.address": "root@192.0.2.1" },
      `machines.vm1.address: is "root@192.0.2.1", ${ADDRESS}`,
    ],
    [
      { "machines.vm1.address": "root:pw@192.0.2.1" },
      `machines.vm1.address: is "…@192.0.2.1", ${ADDRESS}`,
    ],
    [
      { "machines.vm1.address": "192.0.2.1:22" },
      `machines.vm1.address: is "192.0.2.1:22", ${ADDRESS}`,
    ],
    [
      { "machines.vm1.address": "192.0.2.300" },
      `machines.vm1.address: is "192.0.2.300", ${ADDRESS}`,
    ],
    [{ "machines.vm1.address": "a\nb" }, `machines.vm1.address: is "a\\nb", ${ADDRESS}`],
    [{ "machines.vm1.address": "2001:db8::1" }],
    [{ "machines.vm1": { address: "192.0.2.1", hostKey: HOST_KEY } }],
    [
      { "machines.vm1": { address: "vm1.example.org", hostKey: HOST_KEY } },
      `machines.vm1.privateAddress: is missing, ${PRIVATE}`,
    ],
    [
      { "machines.vm1": { address: "127.0.0.1", port: 2222, hostKey: HOST_KEY } },
      `machines.vm1.privateAddress: is missing, ${PRIVATE}`,
    ],
    [{ "machines.vm1.privateAddress": "::1" }, `machines.vm1.privateAddress: is "::1", ${PRIVATE}`],
    [
      { "machines.vm1.privateAddress": "127.0.0.1" },
      `machines.vm1.privateAddress: is "127.0.0.1", ${PRIVATE}`,
    ],
    [
      { machines: { ...machines(1, 2), vm3: { address: "192.0.2.3", hostKey: HOST_KEY } } },
      "machines.vm3.privateAddress: is missing, required with more than one machine; the same as address (192.0.2.3) if there is no private network",
    ],
    [
      { machines: { ...machines(1, 2), vm3: { ...machine(3), address: "192.0.2.1" } } },
      "machines.vm3.address: is 192.0.2.1 port 22, the same as of machine vm1",
    ],
    [{ machines: { ...machines(1, 2), vm3: { ...machine(3), address: "192.0.2.1", port: 2203 } } }],
    [
      { machines: { ...machines(1, 2), vm3: { ...machine(3), privateAddress: "10.0.0.1" } } },
      "machines.vm3.privateAddress: is 10.0.0.1, the same as of machine vm1",
    ],
    [{ "machines.vm1.port": 0 }, "machines.vm1.port: is 0, must be a whole number from 1 to 65535"],
    [
      { "machines.vm1.port": 22.5 },
      "machines.vm1.port: is 22.5, must be a whole number from 1 to 65535",
    ],
    [
      { "machines.vm1.port": "22" },
      'machines.vm1.port: is "22", must be a whole number from 1 to 65535',
    ],
    [{ "machines.vm1.user": "Ro ot" }, 'machines.vm1.user: is "Ro ot", must be a login name'],
    [{ "machines.vm1.user": "$(id)" }, 'machines.vm1.user: is "$(id)", must be a login name'],
    [{ "machines.vm1.role": "worker" }, 'machines.vm1.role: is "worker", must be "core" or "app"'],
    [
      { "machines.vm1.memoryMiB": 100 },
      "machines.vm1.memoryMiB: is 100, must be a whole number from 512 to 16777216",
    ],
    [
      { "machines.vm1.cores": 0 },
      "machines.vm1.cores: is 0, must be a whole number from 1 to 1024",
    ],
    [{ "machines.vm1.hostKey": undefined }, `machines.vm1.hostKey: is missing, ${HOST_KEY_RULE}`],
    [
      { "machines.vm1.hostKey": "ssh-ed25519 AAAA" },
      `machines.vm1.hostKey: is "ssh-ed25519 AAAA", ${HOST_KEY_RULE}`,
    ],
    [
      { "machines.vm1.hostKey": "SHA256:abc" },
      `machines.vm1.hostKey: is "SHA256:abc", ${HOST_KEY_RULE}`,
    ],
    [{ "machines.vm1.hostKey": KEY }, `machines.vm1.hostKey: is a private key, ${HOST_KEY_RULE}`],
    [
      { "machines.vm1.adress": "192.0.2.9" },
      'machines.vm1.adress: is unknown, did you mean "address"?',
    ],
    [
      { "machines.vm1.zone": "x" },
      "machines.vm1.zone: is unknown, known here: address, privateAddress, port, user, hostKey, role, memoryMiB, cores",
    ],
  ]);

  it("refuses a key whose type is not the one it was made with", () => {
    const [, body = ""] = HOST_KEY.split(" ");
    assert.throws(() => parsed({ "machines.vm1.hostKey": `ssh-rsa ${body}` }), /must read like/);
  });

  it("fills the defaults", () => {
    const { vm1 } = parsed({
      "machines.vm1": { address: "192.0.2.1", hostKey: HOST_KEY },
    }).machines;
    const expected = { address: "192.0.2.1", privateAddress: "192.0.2.1", hostKey: HOST_KEY };
    assert.deepEqual(vm1, { ...expected, port: 22, user: "root", role: "core" });
  });

  it("drops blanks, a Windows line end and the comment of a host key", () => {
    const changes = {
      "machines.vm1.hostKey": ` ${HOST_KEY} ops@pc\r\n`,
      "machines.vm1.address": "192.0.2.1\r",
    };
    const { vm1 } = parsed(changes).machines;
    assert.equal(vm1?.hostKey, HOST_KEY);
    assert.equal(vm1.address, "192.0.2.1");
  });
});

const WAYS = "set ssh.privateKeyPath, ssh.privateKey (a secret) or ssh.agent";
const MORE = "ssh: names more than one of privateKeyPath, privateKey and agent: keep one";

describe("configuration: ssh", () => {
  table([
    [{ "ssh.privateKeyPath": "~/.ssh/id" }],
    [
      { "ssh.privateKeyPath": "~/.ssh/gone" },
      'ssh.privateKeyPath: is "~/.ssh/gone", which does not exist',
    ],
    [
      { "ssh.privateKeyPath": 5 },
      "ssh.privateKeyPath: is 5, must be the path of a private key file",
    ],
    [{ "ssh.privateKey": KEY.replaceAll("\n", "\r\n") }],
    [{ "ssh.privateKey": "hunter2" }, "ssh.privateKey: must be a private key, PEM or OpenSSH"],
    [{ ssh: { privateKey: KEY, privateKeyPath: "~/.ssh/id" } }, MORE],
    [{ ssh: { privateKey: KEY, agent: true } }, MORE],
    [{ ssh: { privateKey: KEY, agent: false } }],
    [
      { "ssh.privateKey": KEY.replace("\n", "\nProc-Type: 4,ENCRYPTED\n") },
      "ssh.privateKey: has a passphrase, which docker's ssh cannot ask for: load the key into an agent, and set trivet:ssh.agent to true",
    ],
    [{ "ssh.agent": false }, `ssh: names no way to sign in: ${WAYS}`],
    [{ "ssh.agent": "~/agent" }],
    [{ "ssh.agent": "/run/gone" }, 'ssh.agent: is "/run/gone", which does not exist'],
    [
      { "ssh.agent": "yes" },
      'ssh.agent: is "yes", must be true, false or the absolute path of an agent\'s socket',
    ],
    [{ ssh: "hunter2" }, "ssh: is text, must be a mapping"],
    [{ "ssh.privatekey": "hunter2" }, 'ssh.privatekey: is unknown, did you mean "privateKey"?'],
  ]);

  describe("without a running agent", () => {
    table(
      [
        [{}, `ssh: names no way to sign in, and SSH_AUTH_SOCK is not set: ${WAYS}`],
        [
          { "ssh.agent": true },
          "ssh.agent: is true, but SSH_AUTH_SOCK is not set: start an agent with ssh-agent",
        ],
        [{ "ssh.privateKeyPath": "~/.ssh/id" }],
      ],
      { sshAuthSock: undefined },
    );
  });

  it("gives exactly one way", () => {
    assert.deepEqual(parsed().ssh, { agent: true });
    assert.deepEqual(parsed({ "ssh.agent": "~/agent" }).ssh, { agent: "/home/ops/agent" });
    const path = { privateKeyPath: "~/.ssh/id", agent: false };
    assert.deepEqual(parsed({ ssh: path }).ssh, { privateKeyPath: "/home/ops/.ssh/id" });
    assert.deepEqual(parsed({ "ssh.privateKey": KEY.replaceAll("\n", "\r\n") }).ssh, {
      privateKey: KEY,
    });
  });
});
