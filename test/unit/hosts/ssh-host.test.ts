import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { SshHostArgs } from "../../../components/hosts/ssh-host";
import { SshHost } from "../../../components/hosts/ssh-host";
import { documentedDefaults } from "../support/documented-defaults";
import { problemsOf, valueOf } from "../support/outputs";
import { PLATFORM_OUTPUTS, SSH_KEY } from "../support/platform";
import { Recorder } from "../support/recorder";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJLgXcLpE54+emzeK5y2smdkwDaF";
const KEY_FILE = `key-${createHash("sha256").update(SSH_KEY).digest("hex").slice(0, 12)}`;
const base: SshHostArgs = {
  address: "203.0.113.7",
  hostKey: HOST_KEY,
  identity: { privateKey: SSH_KEY },
};

describe("SshHost", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  const { HOME, SSH_AUTH_SOCK } = process.env;
  const before = process.cwd();
  let folder = "";
  beforeEach(async () => {
    await engine.install();
    folder = realpathSync(mkdtempSync(join(tmpdir(), "trivet-ssh-host-")));
    process.chdir(folder);
    process.env.HOME = join(folder, "home");
    delete process.env.SSH_AUTH_SOCK;
  });
  afterEach(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
    for (const [name, value] of Object.entries({ HOME, SSH_AUTH_SOCK })) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  const make = (args: Partial<SshHostArgs> = {}) => new SshHost("vm1", { ...base, ...args });
  const files = () => join(".trivet", "ssh", "test", "vm1");
  const OPTIONS = [
    ...["-F", "none", "-o", "UserKnownHostsFile=.trivet/ssh/test/vm1/known_hosts"],
    ...["-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=15", "-o", "BatchMode=yes"],
  ];

  it("is reached with a key: by Pulumi itself and by docker's ssh", async () => {
    const host = make();
    assert.deepEqual(await valueOf(host.connection), {
      host: "203.0.113.7",
      port: 22,
      user: "root",
      hostKey: HOST_KEY,
      privateKey: SSH_KEY,
      dialErrorLimit: 10,
      perDialTimeout: 15,
    });
    assert.equal(await pulumi.isSecret(host.connection), true);
    assert.equal(await valueOf(host.publicAddress), "203.0.113.7");
    assert.equal(await valueOf(host.privateAddress), "203.0.113.7");
    assert.equal(await valueOf(pulumi.output(host.docker.host)), "ssh://root@203.0.113.7:22");
    assert.deepEqual(await valueOf(pulumi.output(host.docker.sshOpts)), [
      ...OPTIONS,
      ...["-o", "IdentitiesOnly=yes", "-i", `.trivet/ssh/test/vm1/${KEY_FILE}`],
    ]);
    assert.deepEqual(engine.names(), ["vm1"]);
    assert.deepEqual(engine.get("vm1").inputs, {});
  });

  it("writes known_hosts and the key, for nobody else to read", async () => {
    await valueOf(pulumi.output(make().docker.sshOpts));
    assert.deepEqual(readdirSync(files()).sort(), [KEY_FILE, "known_hosts"]);
    assert.equal(
      readFileSync(join(files(), "known_hosts"), "utf8"),
      `[203.0.113.7]:22 ${HOST_KEY}\n203.0.113.7 ${HOST_KEY}\n`,
    );
    assert.equal(readFileSync(join(files(), KEY_FILE), "utf8"), SSH_KEY);
    assert.equal(statSync(join(files(), KEY_FILE)).mode & 0o777, 0o600);
    assert.equal(statSync(files()).mode & 0o777, 0o700);
  });

  it("closes a key file that is open to others", async () => {
    mkdirSync(files(), { recursive: true });
    writeFileSync(join(files(), KEY_FILE), "old");
    chmodSync(join(files(), KEY_FILE), 0o644);
    await valueOf(pulumi.output(make().docker.sshOpts));
    assert.equal(readFileSync(join(files(), KEY_FILE), "utf8"), SSH_KEY);
    assert.equal(statSync(join(files(), KEY_FILE)).mode & 0o777, 0o600);
  });

  it("names only the port that is not ssh's own, and drops the key's comment", async () => {
    const host = make({ port: 2222, user: "ops", hostKey: `${HOST_KEY} root@vm1\n` });
    await valueOf(pulumi.output(host.docker.sshOpts));
    assert.equal(
      readFileSync(join(files(), "known_hosts"), "utf8"),
      `[203.0.113.7]:2222 ${HOST_KEY}\n`,
    );
    assert.equal(await valueOf(pulumi.output(host.docker.host)), "ssh://ops@203.0.113.7:2222");
    const connection = await valueOf(host.connection);
    assert.deepEqual(
      [connection.port, connection.user, connection.hostKey],
      [2222, "ops", HOST_KEY],
    );
  });

  it("puts an IPv6 address in brackets where a port follows", async () => {
    const host = make({ address: "2001:db8::7", privateAddress: "10.0.0.7" });
    await valueOf(pulumi.output(host.docker.sshOpts));
    assert.equal(await valueOf(pulumi.output(host.docker.host)), "ssh://root@[2001:db8::7]:22");
    assert.equal((await valueOf(host.connection)).host, "2001:db8::7");
    assert.equal(await valueOf(host.privateAddress), "10.0.0.7");
    assert.equal(
      readFileSync(join(files(), "known_hosts"), "utf8"),
      `[2001:db8::7]:22 ${HOST_KEY}\n2001:db8::7 ${HOST_KEY}\n`,
    );
  });

  it("reads a key from a file, also in the home folder", async () => {
    mkdirSync(join(folder, "home"));
    writeFileSync(join(folder, "home", "id"), SSH_KEY);
    const host = make({ identity: { privateKeyPath: "~/id" } });
    assert.equal((await valueOf(host.connection)).privateKey, SSH_KEY);
    assert.equal(await pulumi.isSecret(host.connection), true);
    await valueOf(pulumi.output(host.docker.sshOpts));
    assert.ok(existsSync(join(files(), KEY_FILE)));
  });

  it("takes an agent, by its path or from the environment, and writes no key", async () => {
    process.env.SSH_AUTH_SOCK = "/run/agent";
    for (const [agent, socket] of [
      ["/run/other", "/run/other"],
      // Both clients look for it themselves; written down it would change with every login.
      [true, undefined],
    ] as const) {
      const host = make({ identity: { agent } });
      const { agentSocketPath, privateKey } = await valueOf(host.connection);
      assert.deepEqual([agentSocketPath, privateKey], [socket, undefined]);
      const options = await valueOf(pulumi.output(host.docker.sshOpts));
      const named = socket === undefined ? [] : ["-o", `IdentityAgent=${socket}`];
      assert.deepEqual(options, [...OPTIONS, ...named]);
    }
    assert.deepEqual(readdirSync(files()), ["known_hosts"]);
  });

  it("keeps the key a secret and the options, which are paths, in clear", async () => {
    const host = make({ identity: { privateKey: pulumi.secret(SSH_KEY) } });
    assert.equal(await pulumi.isSecret(host.connection), true);
    assert.equal(await pulumi.isSecret(pulumi.output(host.docker.sshOpts)), false);
  });

  it("has the defaults that its documentation names", async () => {
    const host = make();
    const { port, user, dialErrorLimit } = await valueOf(host.connection);
    await valueOf(pulumi.output(host.docker.sshOpts));
    assert.ok(existsSync(files()));
    assert.deepEqual(documentedDefaults("components/hosts/ssh-host.ts", "SshHostArgs"), {
      port,
      user,
      privateAddress: "`address`, when it is IPv4",
      dialAttempts: dialErrorLimit,
      stateFolder: "`.trivet/ssh/` and the stack's name",
    });
  });

  const must = 'must read like "ssh-ed25519 AAAA…": ssh-keyscan -t ed25519 203.0.113.7';
  const one = "identity: needs exactly one of privateKeyPath, privateKey and agent";
  const bad: [string, Partial<SshHostArgs>, ...string[]][] = [
    [
      "a URL",
      { address: "ssh://x", privateAddress: "10.0.0.1" },
      'address: is "ssh://x", must be an IP address or a DNS name',
    ],
    [
      "no address",
      { address: "", privateAddress: "10.0.0.1" },
      'address: is "", must be an IP address or a DNS name',
    ],
    ["port 0", { port: 0 }, "port: is 0, must be a whole number from 1 to 65535"],
    ["an odd user", { user: "Root; x" }, 'user: is "Root; x", must be a login name'],
    ["a fingerprint", { hostKey: "SHA256:abc" }, `hostKey: ${must}`],
    ["keyscan's own line", { hostKey: `203.0.113.7 ${HOST_KEY}` }, `hostKey: ${must}`],
    ["two keys", { hostKey: `${HOST_KEY}\n${HOST_KEY}` }, `hostKey: ${must}`],
    [
      "a name without a private address",
      { address: "vm.example.org" },
      'privateAddress: is "", must be an IPv4 address',
    ],
    [
      "an IPv6 private address",
      { privateAddress: "fd00::1" },
      'privateAddress: is "fd00::1", must be an IPv4 address',
    ],
    ["no identity", { identity: {} }, one],
    ["two identities", { identity: { privateKey: "x", agent: "/run/a" } }, one],
    [
      "no attempts",
      { dialAttempts: 0 },
      "dialAttempts: is 0, must be a whole number from 1 to 100",
    ],
    [
      "a key file that is not there",
      { identity: { privateKeyPath: "/none" } },
      "identity.privateKeyPath: /none cannot be read",
    ],
    [
      "an agent that does not run",
      { identity: { agent: true } },
      "identity.agent: is true, but SSH_AUTH_SOCK is not set: start an agent with ssh-agent",
    ],
  ];
  for (const [title, args, ...problems] of bad) {
    it(`refuses ${title}, and writes nothing`, () => {
      assert.deepEqual(
        problemsOf(() => make(args)),
        problems.map((problem) => `  - ${problem}`),
      );
      assert.deepEqual(engine.made, []);
      assert.equal(existsSync(".trivet"), false);
    });
  }

  it("refuses a file that holds no key, or one with a passphrase", () => {
    writeFileSync("none", "ssh-ed25519 AAAA\n");
    writeFileSync("locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII\n");
    const told = (privateKeyPath: string) =>
      problemsOf(() => make({ identity: { privateKeyPath } }));
    assert.deepEqual(told("none"), ["  - identity.privateKeyPath: none holds no private key"]);
    assert.deepEqual(told("locked"), [
      "  - identity.privateKeyPath: locked has a passphrase, which docker's ssh cannot ask for: load it into an agent and give agent",
    ]);
  });

  it("reports all bad arguments at once", () => {
    const args = { ...base, port: 70_000, user: "", dialAttempts: 1.5 };
    assert.equal(problemsOf(() => new SshHost("VM_1", args)).length, 4);
  });
});
