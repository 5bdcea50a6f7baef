import { connect } from "node:net";

const EVERY_SECONDS = 2;

/**
 * Ends this program when the engine that runs it is gone. After the engine was killed the program would
 * live on, and spend minutes and a gigabyte on laying out the errors of everything that waits.
 */
export function endWithEngine(address = process.env.PULUMI_NODEJS_ENGINE): void {
  const [host, port] = (address ?? "").split(":");
  if (host === undefined || port === undefined) return;
  const timer = setInterval(() => {
    const socket = connect(Number(port), host);
    socket.once("connect", () => socket.destroy());
    socket.once("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "ECONNREFUSED") process.exit(1);
    });
  }, EVERY_SECONDS * 1000);
  timer.unref();
}
