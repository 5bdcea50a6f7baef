/** SSH servers in this process that run nothing: whatever a test does, this machine stays as it is. */
import { Server, utils, type Connection, type ServerChannel } from "ssh2";

export interface TestMachine {
  readonly port: number;
  /** The server's key, as stack files give it. */
  readonly hostKey: string;
  /** How many connections got past the host key and tried to sign in. */
  signIns(): number;
  /** Commands that were asked for, and what they were to read. */
  readonly commands: readonly { command: string; input: string }[];
  stop(): Promise<void>;
}

/** What a machine prints instead of running a command; undefined lets the command fail. */
export type Answer = (command: string) => string | undefined;

/** A host key that is nobody's. */
export const otherHostKey = (): string => utils.generateKeyPairSync("ed25519").public;

/** A server that lets nobody in. */
export async function startLockedMachine(): Promise<TestMachine> {
  return await start(undefined);
}

/** A server that lets every key in and pretends. */
export async function startPretender(answer: Answer): Promise<TestMachine> {
  return await start(answer);
}

async function start(answer: Answer | undefined): Promise<TestMachine> {
  const { private: key, public: hostKey } = utils.generateKeyPairSync("ed25519");
  const commands: { command: string; input: string }[] = [];
  let signIns = 0;
  const server = new Server({ hostKeys: [key] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      signIns += 1;
      if (answer !== undefined && context.method === "publickey") context.accept();
      else context.reject(["publickey"]);
    });
    if (answer !== undefined) pretend(client, answer, (entry) => commands.push(entry));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address: unknown = server.address();
  if (typeof address !== "object" || address === null || !("port" in address)) {
    throw new Error("the SSH server has no port");
  }
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  return { port: Number(address.port), hostKey, signIns: () => signIns, commands, stop };
}

function pretend(
  client: Connection,
  answer: Answer,
  record: (entry: { command: string; input: string }) => void,
): void {
  client.on("session", (accept) => {
    accept().on("exec", (acceptExec, _reject, { command }) => {
      const channel: ServerChannel = acceptExec();
      let input = "";
      channel.setEncoding("utf8");
      channel.on("data", (text: string) => (input += text));
      channel.on("error", () => undefined);
      channel.once("end", () => {
        record({ command, input });
        const printed = answer(command);
        channel.write(printed ?? "");
        channel.exit(printed === undefined ? 1 : 0);
        channel.end();
      });
    });
  });
}
