/** A small SSH server in this process: for ways to log in that a test cannot give to a real one. */
import { type AuthContext, Server, type ServerChannel, type Session, utils } from "ssh2";
import { connect } from "node:net";
import { spawn } from "node:child_process";

export interface InProcessOptions {
  readonly hostKey: string;
  /** Public keys that may log in. */
  readonly authorized?: readonly string[];
  readonly password?: string;
  readonly keyboardPassword?: string;
}

export interface InProcessServer {
  readonly port: number;
  /** Every way to log in that a client tried, in order. */
  readonly attempts: readonly string[];
  stop(): Promise<void>;
}

export function startInProcess(options: InProcessOptions): Promise<InProcessServer> {
  const attempts: string[] = [];
  const server = new Server({ hostKeys: [options.hostKey] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      attempts.push(context.method);
      authenticate(context, options);
    });
    client.on("tcpip", (accept, reject, info) => {
      const socket = connect(info.destPort, info.destIP);
      socket.once("connect", () => {
        const channel = accept();
        channel.pipe(socket).pipe(channel);
      });
      socket.once("error", () => {
        reject();
      });
    });
    client.on("session", (accept) => {
      serveSession(accept());
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const stop = () =>
        new Promise<void>((stopped) => {
          server.close(() => {
            stopped();
          });
        });
      const address: unknown = server.address();
      const found = typeof address === "object" && address !== null && "port" in address;
      resolve({ port: found ? Number(address.port) : 0, attempts, stop });
    });
  });
}

function authenticate(context: AuthContext, options: InProcessOptions) {
  const ways: ("publickey" | "password" | "keyboard-interactive")[] = [];
  if (options.authorized !== undefined) ways.push("publickey");
  if (options.password !== undefined) ways.push("password");
  if (options.keyboardPassword !== undefined) ways.push("keyboard-interactive");
  const decide = (good: boolean) => {
    if (good) context.accept();
    else context.reject(ways);
  };
  if (context.method === "password") {
    decide(options.password === context.password);
  } else if (context.method === "keyboard-interactive") {
    context.prompt("Password: ", (answers) => {
      decide(options.keyboardPassword !== undefined && answers[0] === options.keyboardPassword);
    });
  } else if (context.method === "publickey") {
    decide((options.authorized ?? []).some((line) => isKey(line, context.key.data)));
  } else {
    decide(false);
  }
}

function isKey(line: string, offered: Buffer): boolean {
  const parsed = utils.parseKey(line);
  return !(parsed instanceof Error) && parsed.getPublicSSH().equals(offered);
}

function serveSession(session: Session) {
  const environment: NodeJS.ProcessEnv = { ...process.env };
  session.on("env", (accept, reject, info) => {
    const accepted = info.key.startsWith("ACCEPTED_") || info.key === "PULUMI_COMMAND_STDOUT";
    if (accepted) environment[info.key] = info.val;
    if (accepted) accept();
    else reject();
  });
  session.on("exec", (accept, _reject, info) => {
    runProgram(accept(), info.command, environment);
  });
}

function runProgram(channel: ServerChannel, command: string, env: NodeJS.ProcessEnv) {
  const child = spawn("/bin/sh", ["-c", command], { env });
  channel.pipe(child.stdin);
  child.stdin.on("error", () => undefined);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.once("close", (code, signal) => {
    if (signal === null) channel.exit(code ?? 0);
    else channel.exit(signal.replace(/^SIG/, ""), false, "");
    channel.end();
  });
  channel.once("close", () => {
    child.kill();
  });
}
