/** An SSH server of the test's own on loopback: OpenSSH's if installed, else one in this process. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startInProcess } from "./ssh-server.js";
import { tmpdir, userInfo } from "node:os";
import { utils } from "ssh2";
import type { PropertyMap } from "../../../plugins/lib/values.js";

const SSHD = "/usr/sbin/sshd";

export const hasOpenSsh = existsSync(SSHD);

export interface TestServer {
  readonly port: number;
  /** The server's ed25519 host key, as a line of authorized_keys. */
  readonly hostKey: string;
  /** A host key that is not the server's. */
  readonly otherHostKey: string;
  /** A login key without and with a passphrase. */
  readonly privateKey: string;
  readonly encryptedKey: string;
  readonly passphrase: string;
  /** A folder for the test's files. */
  readonly directory: string;
  /** The properties of a connection by key, with the host key. */
  connection(changes?: PropertyMap): PropertyMap;
  stop(): Promise<void>;
}

export async function startServer(): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), "trivet-sshd-"));
  const host = utils.generateKeyPairSync("ed25519");
  const login = utils.generateKeyPairSync("ed25519");
  const passphrase = "correct horse";
  const encrypted = utils.generateKeyPairSync("ed25519", {
    passphrase,
    cipher: "aes256-ctr",
    rounds: 4,
  });
  const authorized = [login.public, encrypted.public];
  const server = hasOpenSsh
    ? await startOpenSsh(directory, host.private, authorized)
    : await startInProcess({ hostKey: host.private, authorized });
  const user = userInfo().username;
  return {
    port: server.port,
    hostKey: host.public,
    otherHostKey: utils.generateKeyPairSync("ed25519").public,
    privateKey: login.private,
    encryptedKey: encrypted.private,
    passphrase,
    directory,
    connection: (changes = {}) => ({
      host: "127.0.0.1",
      port: server.port,
      user,
      privateKey: login.private,
      hostKey: host.public,
      dialErrorLimit: 0,
      perDialTimeout: 5,
      ...changes,
    }),
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function startOpenSsh(directory: string, hostKey: string, authorized: readonly string[]) {
  const port = await freePort();
  writeFileSync(join(directory, "host_key"), hostKey, { mode: 0o600 });
  writeFileSync(join(directory, "authorized_keys"), `${authorized.join("\n")}\n`);
  chmodSync(directory, 0o755);
  // Debian's sshd insists on this directory; it is empty and belongs to no service.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  writeFileSync(join(directory, "sshd_config"), serverConfig(directory, port));
  const child = spawn(SSHD, ["-D", "-e", "-f", join(directory, "sshd_config")], {
    stdio: "ignore",
  });
  await reachable(port, child);
  const stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill();
    await ended;
  };
  return { port, stop };
}

function serverConfig(directory: string, port: number): string {
  return [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${join(directory, "host_key")}`,
    `AuthorizedKeysFile ${join(directory, "authorized_keys")}`,
    "PidFile none",
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "AcceptEnv ACCEPTED_* PULUMI_COMMAND_STDOUT",
    "MaxStartups 100",
    "Subsystem sftp internal-sftp",
    "",
  ].join("\n");
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

async function reachable(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (child.exitCode !== null) throw new Error(`sshd ended with status ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", () => {
        resolve(false);
      });
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`sshd does not listen on port ${port}`);
}
