import { spawn, type ChildProcess } from "node:child_process";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../stack/pulumi";

/** A port of a machine that is open to the machine itself alone, brought here over SSH. */
export class Tunnel {
  private child: ChildProcess | undefined;
  private closed = false;

  private constructor(
    private readonly ssh: string,
    private readonly remotePort: number,
    readonly port: number,
  ) {}

  /** Opens it, and opens it again whenever the machine was gone. */
  static async open(ssh: string, remotePort: number): Promise<Tunnel> {
    const tunnel = new Tunnel(ssh, remotePort, await freePort());
    tunnel.keep();
    const deadline = Date.now() + 30_000;
    while (!(await accepts(tunnel.port))) {
      if (Date.now() > deadline)
        throw new Error(`no tunnel to port ${remotePort} within 30 s: ${ssh}`);
      await sleep(100);
    }
    return tunnel;
  }

  close(): void {
    this.closed = true;
    this.child?.kill();
  }

  private keep(): void {
    const forward = `-N -L 127.0.0.1:${this.port}:127.0.0.1:${this.remotePort} -o ExitOnForwardFailure=yes`;
    const alive = "-o ServerAliveInterval=2 -o ServerAliveCountMax=2 -o ConnectTimeout=2";
    // The first value of an option counts, so these come before the machine's own.
    const line = `exec ${this.ssh.replace(/^ssh /, `ssh ${forward} ${alive} `)}`;
    this.child = spawn("bash", ["-c", line], { cwd: ROOT, stdio: "ignore" });
    this.child.once("exit", () => {
      if (!this.closed)
        setTimeout(() => {
          if (!this.closed) this.keep();
        }, 300);
    });
  }
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
