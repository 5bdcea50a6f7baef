/** SSH servers in this process that run nothing: whatever a test does, this machine stays as it is. */
import type { Duplex } from "node:stream";
import { Server, type Connection, type ServerChannel, type Session } from "ssh2";
import { newSshKey } from "../../support/ssh-keys";
import { swallowFiles } from "./sftp-sink";

/** What facts.sh prints of a machine that the platform takes. */
export const FACTS = {
  memoryMiB: 4096,
  cores: 2,
  os: { id: "debian", versionId: "13" },
  diskFreeMiB: 20_000,
  kernel: "6.12.48",
  architecture: "x86_64",
};

const READY = "echo trivet-ready";

/** What probe.sh prints, of a machine whose clock is so far ahead. */
export function probeReport(told: Readonly<Record<string, string>>, aheadSeconds = 0): string {
  const now = (Date.now() / 1000 + aheadSeconds).toFixed(3);
  const lines = Object.entries({ began: now, ...told, ended: now });
  return lines.map(([key, value]) => `trivet-${key} ${value}\n`).join("");
}

export interface TestMachine {
  readonly port: number;
  /** The server's key, as stack files give it. */
  readonly hostKey: string;
  /** How many connections got past the host key and tried to sign in. */
  signIns(): number;
  /** Commands that were asked for, and what they were to read. */
  readonly commands: readonly { command: string; input: string }[];
  stop(): Promise<void>;
  /** Nobody gets through any more, as if it were switched off. */
  silence(): void;
  /** The same machine again: at its port, with its key. */
  speak(): Promise<void>;
}

/** A command that fails with these words on its standard error. */
export interface Refusal {
  refusal: string;
}

/** What a machine prints instead of running a command; undefined lets the command fail. */
export type Answer = (command: string, input: string) => string | Refusal | undefined;

/** What a machine can do besides printing. */
export interface Abilities {
  /** Speaks to docker's `ssh://` in place of the daemon. */
  docker?: (connection: Duplex) => void;
  /** How long a command takes. Milliseconds. */
  commandMillis?: number;
}

/** What docker's `ssh://` runs on the machine. */
const DIAL_DOCKER = "docker system dial-stdio";

/** A host key that is nobody's. */
export const otherHostKey = (): string => newSshKey().public;

/** A server that lets nobody in. */
export async function startLockedMachine(): Promise<TestMachine> {
  return await start(undefined);
}

/** A server that lets every key in and pretends. */
export async function startPretender(answer: Answer, can: Abilities = {}): Promise<TestMachine> {
  return await start(answer, can);
}

async function start(answer: Answer | undefined, can: Abilities = {}): Promise<TestMachine> {
  const { private: key, public: hostKey } = newSshKey();
  const commands: { command: string; input: string }[] = [];
  let signIns = 0;
  const server = new Server({ hostKeys: [key] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      signIns += 1;
      if (answer !== undefined && context.method === "publickey") context.accept();
      else context.reject(["publickey"]);
    });
    if (answer !== undefined) pretend(client, answer, can, (entry) => commands.push(entry));
  });
  const listen = (at: number) =>
    new Promise<void>((resolve) => server.listen(at, "127.0.0.1", resolve));
  await listen(0);
  const address: unknown = server.address();
  if (typeof address !== "object" || address === null || !("port" in address)) {
    throw new Error("the SSH server has no port");
  }
  const port = Number(address.port);
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  const silence = () => void server.close();
  const speak = () => listen(port);
  return { port, hostKey, signIns: () => signIns, commands, stop, silence, speak };
}

function pretend(
  client: Connection,
  answer: Answer,
  { docker, commandMillis = 0 }: Abilities,
  record: (entry: { command: string; input: string }) => void,
): void {
  client.on("session", (accept) => {
    const session: Session = accept();
    session.on("sftp", (acceptSftp) => {
      swallowFiles(acceptSftp());
    });
    session.on("exec", (acceptExec, _reject, { command }) => {
      const channel: ServerChannel = acceptExec();
      channel.on("error", () => undefined);
      if (command === DIAL_DOCKER) {
        // Without a Docker it ends at once: docker would wait for ever.
        if (docker === undefined) finish(channel, undefined);
        else docker(channel);
        return;
      }
      let input = "";
      channel.setEncoding("utf8");
      channel.on("data", (text: string) => {
        const wasReady = input.includes(READY);
        input += text;
        // probe.sh waits for an answer to that.
        if (!wasReady && input.includes(READY)) channel.write("trivet-ready\n");
      });
      channel.once("end", () => {
        record({ command, input });
        const printed = answer(command, input);
        setTimeout(() => {
          finish(channel, printed);
        }, commandMillis);
      });
    });
  });
}

function finish(channel: ServerChannel, printed: ReturnType<Answer>): void {
  if (typeof printed === "object") channel.stderr.write(`${printed.refusal}\n`);
  else channel.write(printed ?? "");
  channel.exit(typeof printed === "string" ? 0 : 1);
  channel.end();
}
