/** An SSH server of the test's own on loopback: OpenSSH's if installed, else one in this process. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { startInProcess } from "./ssh-server.js";
import { tmpdir, userInfo } from "node:os";
import { newSshKey } from "../../../support/ssh-keys.js";
import type { PropertyMap } from "../../../plugins/lib/values.js";

const SSHD = "/usr/sbin/sshd";
const START_ATTEMPTS = 5;

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
  const host = newSshKey();
  const login = newSshKey();
  const passphrase = "correct horse";
  const encrypted = newSshKey(passphrase);
  const authorized = [login.public, encrypted.public];
  const server = hasOpenSsh
    ? await startOpenSsh(directory, host.private, authorized)
    : await startInProcess({ hostKey: host.private, authorized });
  const user = userInfo().username;
  return {
    port: server.port,
    hostKey: host.public,
    otherHostKey: newSshKey().public,
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
  writeFileSync(join(directory, "host_key"), hostKey, { mode: 0o600 });
  writeFileSync(join(directory, "authorized_keys"), `${authorized.join("\n")}\n`);
  chmodSync(directory, 0o755);
  // Debian's sshd insists on this directory; it is empty and belongs to no service.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  const { child, port } = await listening(directory, START_ATTEMPTS);
  const kill = () => child.kill();
  process.once("exit", kill);
  const stop = async () => {
    process.removeListener("exit", kill);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill();
    await ended;
  };
  return { port, stop };
}

interface Listening {
  readonly child: ChildProcess;
  readonly port: number;
}

/** A port that was free may be taken before sshd binds it: then with another one. */
async function listening(directory: string, attempts: number): Promise<Listening> {
  const port = await freePort();
  const file = join(directory, "sshd_config");
  writeFileSync(file, serverConfig(directory, port));
  const child = spawn(SSHD, ["-D", "-e", "-f", file], { stdio: ["ignore", "ignore", "pipe"] });
  let printed = "";
  const ready = await new Promise<boolean>((resolve) => {
    child.stderr.on("data", (data: Buffer) => {
      printed += data.toString();
      if (printed.includes("Server listening on")) resolve(true);
    });
    child.once("exit", () => {
      resolve(false);
    });
  });
  if (ready) return { child, port };
  if (attempts <= 1) throw new Error(`sshd does not start: ${printed}`);
  return listening(directory, attempts - 1);
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
