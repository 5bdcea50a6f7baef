/** A plugin's real process, spoken to as the engine does. */
import * as grpc from "@grpc/grpc-js";
import { type ChildProcess, spawn } from "node:child_process";
import { EngineService, type IEngineServer } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb";
import { join } from "node:path";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";

export const BIN = join(__dirname, "..", "..", "..", "plugins", "bin");

export interface PluginProcess {
  readonly child: ChildProcess;
  readonly client: ResourceProviderClient;
  /** What the plugin wrote to the engine's log. */
  readonly logged: readonly LogRequest.AsObject[];
  stop(): Promise<number | null>;
}

export async function startPlugin(executable: string): Promise<PluginProcess> {
  const logged: LogRequest.AsObject[] = [];
  const engine = await startEngine(logged);
  const address = `127.0.0.1:${engine.port}`;
  const child = spawn(executable, ["--logtostderr", "-v=9", address], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data: Buffer) => {
      resolve(data.toString().trim());
    });
    child.once("exit", () => {
      reject(new Error(`${executable} ended before it printed a port`));
    });
  });
  const credentials = grpc.credentials.createInsecure();
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials);
  const stop = async () => {
    client.close();
    child.kill();
    const code = await exited;
    engine.server.forceShutdown();
    return code;
  };
  return { child, client, logged, stop };
}

async function startEngine(logged: LogRequest.AsObject[]) {
  const server = new grpc.Server();
  const handlers: Pick<IEngineServer, "log"> = {
    log: (call, callback) => {
      logged.push(call.request.toObject());
      callback(null, new Empty());
    },
  };
  server.addService(EngineService, { ...handlers });
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return { server, port };
}

/** One call of the client as a promise. */
export function answer<Response>(
  send: (done: (error: grpc.ServiceError | null, response: Response) => void) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    send((error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}
