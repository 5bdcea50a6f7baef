/** Starts a plugin process: serves the protocol and prints the port, as the engine expects. */
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import type { Provider } from "./provider.js";
import { ProviderService } from "./service.js";

/** The engine's own limit. A failing command's output travels in the error, so in a header. */
const MAX_MESSAGE_BYTES = 400 * 1024 * 1024;
const GRACE_MILLISECONDS = 2000;

export async function serve(provider: Provider): Promise<void> {
  // The engine may put logging flags before its address.
  const engineAddress = process.argv.slice(2).findLast((argument) => !argument.startsWith("-"));
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  server.addService(
    ResourceProviderService,
    new ProviderService(provider, engineAddress).handlers(),
  );
  const port = await listen(server);
  stopOnSignal(provider);
  stopWithParent(provider);
  process.stdout.write(`${port}\n`);
}

function listen(server: grpc.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

function stopOnSignal(provider: Provider) {
  process.once("SIGTERM", () => {
    stop(provider, 143);
  });
  process.once("SIGINT", () => {
    stop(provider, 130);
  });
}

/** An engine that was killed leaves no plugin and no remote session behind. */
function stopWithParent(provider: Provider) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop(provider, 1);
  }, 1000).unref();
}

/** Cancels what runs, waits a moment for its end, and exits. */
function stop(provider: Provider, exitCode: number) {
  provider.operations.cancelAll();
  const deadline = Date.now() + GRACE_MILLISECONDS;
  const timer = setInterval(() => {
    if (!provider.operations.idle && Date.now() < deadline) return;
    clearInterval(timer);
    process.exit(exitCode);
  }, 20);
}
