/** An SSH server that lets nobody in: whatever a test does, nothing runs on this machine. */
import { Server, utils } from "ssh2";

export interface LockedServer {
  readonly port: number;
  /** The server's key, as stack files give it. */
  readonly hostKey: string;
  /** How many connections got past the host key and tried to sign in. */
  signIns(): number;
  stop(): Promise<void>;
}

/** A host key that is nobody's. */
export const otherHostKey = (): string => utils.generateKeyPairSync("ed25519").public;

export async function startLockedServer(): Promise<LockedServer> {
  const { private: key, public: hostKey } = utils.generateKeyPairSync("ed25519");
  let signIns = 0;
  const server = new Server({ hostKeys: [key] }, (client) => {
    client.on("error", () => undefined);
    client.on("authentication", (context) => {
      signIns += 1;
      context.reject(["publickey"]);
    });
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
  return { port: Number(address.port), hostKey, signIns: () => signIns, stop };
}
