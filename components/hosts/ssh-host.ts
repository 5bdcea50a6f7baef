import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { DockerEndpoint, Host } from "../core/host";
import { hasPassphrase } from "./private-key";

/** How to prove who we are: exactly one of the three. */
export interface SshIdentity {
  /** Path of a private key file without passphrase, `~` allowed; read where Pulumi runs. */
  privateKeyPath?: string;
  /** The private key itself, PEM or OpenSSH. Made secret here even if given as plain text. */
  privateKey?: pulumi.Input<string>;
  /** Path of an SSH agent's socket; `true` takes `SSH_AUTH_SOCK`. */
  agent?: string | true;
}

/** Arguments of {@link SshHost}. */
export interface SshHostArgs {
  /** IP address or DNS name that answers SSH. */
  address: string;
  /** TCP port of sshd, 1 to 65535. @default 22 */
  port?: number;
  /** Login user: root, or one who may use sudo without a password. @default "root" */
  user?: string;
  /** The machine's public host key, as in `ssh-keyscan -t ed25519 ADDRESS`: `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** IPv4 address that the platform's other machines reach. @default `address`, when it is IPv4 */
  privateAddress?: string;
  identity: SshIdentity;
  /** Dial attempts before giving up, 1 to 100; a machine that boots needs several. @default 10 */
  dialAttempts?: number;
  /** Folder for known_hosts and keys that docker's `ssh://` uses. @default `.trivet/ssh/` and the stack's name */
  stateFolder?: string;
}

const HOST_KEY = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/=]+( .*)?$/;

/** A machine that exists already and answers SSH, on any cloud or under a desk. */
export class SshHost extends Component implements Host {
  readonly connection: pulumi.Output<types.input.remote.ConnectionArgs>;
  readonly publicAddress: pulumi.Output<string>;
  readonly privateAddress: pulumi.Output<string>;
  readonly docker: DockerEndpoint;
  readonly resource = this;

  constructor(
    readonly name: string,
    args: SshHostArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { port, user, privateAddress } = resolveArgs(name, args);
    super("trivet:hosts:SshHost", name, opts);

    const { address, identity } = args;
    const privateKey = readPrivateKey(identity);
    const agentSocketPath = readAgentSocket(identity);
    this.connection = pulumi.output({
      host: address,
      port,
      user,
      hostKey: keyWithoutComment(args.hostKey),
      ...(privateKey !== undefined && { privateKey: pulumi.secret(privateKey) }),
      ...(agentSocketPath !== undefined && { agentSocketPath }),
      dialErrorLimit: args.dialAttempts ?? 10,
      perDialTimeout: 15,
    });
    this.publicAddress = pulumi.output(address);
    this.privateAddress = pulumi.output(privateAddress);
    const folder = join(args.stateFolder ?? join(".trivet", "ssh", pulumi.getStack()), name);
    this.docker = {
      host: pulumi.output(`ssh://${user}@${bracketed(address)}:${port}`),
      // Paths only: as secrets they would hide every output that tells how to sign in.
      sshOpts: pulumi.unsecret(
        pulumi
          .output(privateKey)
          .apply((key) => writeSshFiles(folder, args, port, key, agentSocketPath)),
      ),
    };
    this.registerOutputs({ publicAddress: address, privateAddress });
  }
}

function resolveArgs(name: string, args: SshHostArgs) {
  const { address, port = 22, user = "root", identity } = args;
  const privateAddress = args.privateAddress ?? (isIPv4(address) ? address : "");
  const problem = keyProblem(identity.privateKeyPath);
  const ways = [identity.privateKeyPath, identity.privateKey, identity.agent];
  new ArgsCheck(`SshHost "${name}"`)
    .name(name, "name")
    .that(
      /^[A-Za-z0-9.:-]+$/.test(address),
      "address",
      `is ${JSON.stringify(address)}, must be an IP address or a DNS name`,
    )
    .port(port, "port")
    .that(
      /^[a-z_][a-z0-9_-]{0,31}$/.test(user),
      "user",
      `is ${JSON.stringify(user)}, must be a login name`,
    )
    .that(
      HOST_KEY.test(args.hostKey.trim()),
      "hostKey",
      `must read like "ssh-ed25519 AAAA…": ssh-keyscan -t ed25519 ${address}`,
    )
    .that(
      isIPv4(privateAddress),
      "privateAddress",
      `is ${JSON.stringify(privateAddress)}, must be an IPv4 address`,
    )
    .that(
      ways.filter((way) => way !== undefined).length === 1,
      "identity",
      "needs exactly one of privateKeyPath, privateKey and agent",
    )
    .integer(args.dialAttempts ?? 10, "dialAttempts", 1, 100)
    .that(problem === undefined, "identity.privateKeyPath", problem ?? "")
    .that(
      identity.agent !== true || (process.env.SSH_AUTH_SOCK ?? "") !== "",
      "identity.agent",
      "is true, but SSH_AUTH_SOCK is not set: start an agent with ssh-agent",
    )
    .done();
  return { port, user, privateAddress };
}

const expandHome = (path: string) => path.replace(/^~(?=\/|$)/, homedir());
const bracketed = (address: string) => (address.includes(":") ? `[${address}]` : address);
const keyWithoutComment = (key: string) => key.trim().split(/\s+/).slice(0, 2).join(" ");

/** What is wrong with a key file, or undefined. */
function keyProblem(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    const key = readFileSync(expandHome(path), "utf8");
    if (!key.includes("PRIVATE KEY")) return `${path} holds no private key`;
    if (hasPassphrase(key)) {
      return `${path} has a passphrase, which docker's ssh cannot ask for: load it into an agent and give agent`;
    }
    return undefined;
  } catch {
    return `${path} cannot be read`;
  }
}

function readPrivateKey(identity: SshIdentity): pulumi.Input<string> | undefined {
  return identity.privateKeyPath === undefined
    ? identity.privateKey
    : readFileSync(expandHome(identity.privateKeyPath), "utf8");
}

function readAgentSocket(identity: SshIdentity): string | undefined {
  // Both clients take SSH_AUTH_SOCK by themselves. Written down, it would change with every login.
  return identity.agent === true ? undefined : identity.agent;
}

/**
 * docker's `ssh://` runs the system's ssh, which knows nothing of Pulumi's connection: it gets a
 * known_hosts and an identity of its own. Returned paths are relative to the program's folder, so
 * that the same stack shows no difference on another operator's machine.
 */
function writeSshFiles(
  folder: string,
  args: SshHostArgs,
  port: number,
  privateKey: string | undefined,
  agentSocketPath: string | undefined,
): string[] {
  const known = `[${args.address}]:${port} ${keyWithoutComment(args.hostKey)}\n`;
  const plain = port === 22 ? `${args.address} ${keyWithoutComment(args.hostKey)}\n` : "";
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const knownHosts = join(folder, "known_hosts");
  writeFileSync(knownHosts, known + plain);
  const options = ["-F", "none", "-o", `UserKnownHostsFile=${relative(".", knownHosts)}`];
  options.push("-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=15", "-o", "BatchMode=yes");
  if (agentSocketPath !== undefined) options.push("-o", `IdentityAgent=${agentSocketPath}`);
  if (privateKey !== undefined) {
    const digest = createHash("sha256").update(privateKey).digest("hex").slice(0, 12);
    const keyFile = join(folder, `key-${digest}`);
    writeFileSync(keyFile, privateKey.trimEnd() + "\n", { mode: 0o600 });
    // A file that was there already keeps its mode, and ssh refuses a key that others may read.
    chmodSync(keyFile, 0o600);
    options.push("-o", "IdentitiesOnly=yes", "-i", relative(".", keyFile));
  }
  return options;
}
