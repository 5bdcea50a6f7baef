import { createServer } from "node:net";

/** A port that counts who dials it, and says nothing. */
export interface Listener {
  readonly port: number;
  dials(): number;
  stop(): Promise<void>;
}

export async function startListener(): Promise<Listener> {
  let count = 0;
  const server = createServer((socket) => {
    count += 1;
    socket.on("error", () => undefined);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
  return { port: address.port, dials: () => count, stop };
}
