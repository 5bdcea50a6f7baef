/** The engine's log service: lines of one plugin arrive in the order they were written. */
import * as grpc from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import type { Log, Severity } from "./operation.js";

const SEVERITIES = {
  debug: LogSeverity.DEBUG,
  info: LogSeverity.INFO,
  warning: LogSeverity.WARNING,
  error: LogSeverity.ERROR,
} as const satisfies Record<Severity, LogSeverity>;

export class EngineLog {
  private readonly client: EngineClient;
  private last: Promise<void> = Promise.resolve();

  /** @param address host:port of the engine, as given to the plugin when it is started. */
  constructor(address: string) {
    this.client = new EngineClient(address, grpc.credentials.createInsecure());
  }

  forResource(urn: string): Log {
    return {
      message: (severity, text) => {
        this.send(urn, severity, text, false);
      },
      status: (severity, text) => {
        this.send(urn, severity, text, true);
      },
    };
  }

  /** Resolves when everything written so far has arrived. */
  flush(): Promise<void> {
    return this.last;
  }

  private send(urn: string, severity: Severity, text: string, ephemeral: boolean) {
    const request = new LogRequest();
    request.setUrn(urn);
    request.setSeverity(SEVERITIES[severity]);
    request.setMessage(text);
    request.setEphemeral(ephemeral);
    this.last = this.last.then(
      () =>
        new Promise((resolve) => {
          // A lost log line is no reason to fail the operation that wrote it.
          this.client.log(request, () => {
            resolve();
          });
        }),
    );
  }
}
