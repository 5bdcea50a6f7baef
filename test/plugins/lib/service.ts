/** The engine's provider protocol (gRPC) in front of a Provider. */
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as grpc from "@grpc/grpc-js";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { PluginAttach, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { type Difference, roots } from "./resource.js";
import { decodeMap, encodeMap } from "./wire.js";
import type { Checked } from "./table.js";
import type { DiffKind } from "./diff.js";
import { EngineLog } from "./engine.js";
import { errorText } from "./go.js";
import type { Log } from "./operation.js";
import type { Provider } from "./provider.js";

const SILENT: Log = { message: () => undefined, status: () => undefined };

export class ProviderService {
  private engine: EngineLog | undefined;

  constructor(
    private readonly provider: Provider,
    engineAddress: string | undefined,
  ) {
    if (engineAddress !== undefined) this.engine = new EngineLog(engineAddress);
  }

  /** What is not listed is answered with "unimplemented", which the engine understands. */
  handlers(): grpc.UntypedServiceImplementation {
    return {
      getPluginInfo: unary(() => new PluginInfo().setVersion(this.provider.info.version)),
      getSchema: unary(() => new messages.GetSchemaResponse().setSchema(this.provider.schema())),
      attach: unary((request: PluginAttach) => {
        this.engine = new EngineLog(request.getAddress());
        return new Empty();
      }),
      cancel: unary(() => {
        this.provider.operations.cancelAll();
        return new Empty();
      }),
      configure: unary(() =>
        new messages.ConfigureResponse()
          .setAcceptsecrets(true)
          .setSupportspreview(true)
          .setAcceptresources(true)
          .setAcceptoutputs(true),
      ),
      checkConfig: unary((request: messages.CheckRequest) =>
        checkResponse(this.provider.checkConfig(decodeMap(request.getNews()))),
      ),
      diffConfig: unary(() => new messages.DiffResponse()),
      check: unary((request: messages.CheckRequest) =>
        checkResponse(this.provider.check(request.getUrn(), decodeMap(request.getNews()))),
      ),
      diff: unary((request: messages.DiffRequest) => this.diff(request)),
      create: unary((request: messages.CreateRequest) => this.create(request)),
      read: unary((request: messages.ReadRequest) => this.read(request)),
      update: unary((request: messages.UpdateRequest) => this.update(request)),
      delete: unary((request: messages.DeleteRequest) => this.delete(request)),
      invoke: unary((request: messages.InvokeRequest): messages.InvokeResponse => {
        throw new Error(this.provider.refusal(`the function ${request.getTok()}`));
      }),
    };
  }

  private diff(request: messages.DiffRequest): messages.DiffResponse {
    const difference = this.provider.diff(
      request.getUrn(),
      {
        state: decodeMap(request.getOlds()),
        oldInputs: decodeMap(request.getOldInputs()),
        inputs: decodeMap(request.getNews()),
      },
      request.getIgnorechangesList(),
    );
    return diffResponse(difference);
  }

  private async create(request: messages.CreateRequest): Promise<messages.CreateResponse> {
    const inputs = decodeMap(request.getProperties());
    const created = await this.logged(
      this.provider.create(this.target(request), inputs, request.getPreview()),
    );
    return new messages.CreateResponse()
      .setId(created.id)
      .setProperties(encodeMap(created.outputs));
  }

  private read(request: messages.ReadRequest): messages.ReadResponse {
    const state = this.provider.read(request.getUrn(), decodeMap(request.getProperties()));
    return new messages.ReadResponse()
      .setId(request.getId())
      .setProperties(encodeMap(state))
      .setInputs(encodeMap(decodeMap(request.getInputs())));
  }

  private async update(request: messages.UpdateRequest): Promise<messages.UpdateResponse> {
    const update = {
      state: decodeMap(request.getOlds()),
      inputs: decodeMap(request.getNews()),
      preview: request.getPreview(),
    };
    const ignored = request.getIgnorechangesList();
    const outputs = await this.logged(this.provider.update(this.target(request), update, ignored));
    return new messages.UpdateResponse().setProperties(encodeMap(outputs));
  }

  private async delete(request: messages.DeleteRequest): Promise<Empty> {
    const state = decodeMap(request.getProperties());
    await this.logged(this.provider.delete(this.target(request), state));
    return new Empty();
  }

  private target(request: { getUrn(): string; getTimeout(): number }) {
    const urn = request.getUrn();
    const log = this.engine?.forResource(urn) ?? SILENT;
    return { urn, log, timeoutSeconds: request.getTimeout() };
  }

  /** The engine drops log lines that arrive after the operation's answer. */
  private async logged<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      await this.engine?.flush();
    }
  }
}

function unary<Request, Response>(
  answer: (request: Request) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const run = async () => answer(call.request);
    run().then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        callback({ code: grpc.status.UNKNOWN, details: errorText(error) });
      },
    );
  };
}

function checkResponse(checked: Checked): messages.CheckResponse {
  const failures = checked.failures.map(({ property, reason }) =>
    new messages.CheckFailure().setProperty(property).setReason(reason),
  );
  return new messages.CheckResponse()
    .setInputs(encodeMap(checked.inputs))
    .setFailuresList(failures);
}

const Kind = messages.PropertyDiff.Kind;
const KINDS: Readonly<
  Record<
    DiffKind,
    readonly [plain: messages.PropertyDiff.Kind, replacing: messages.PropertyDiff.Kind]
  >
> = {
  add: [Kind.ADD, Kind.ADD_REPLACE],
  delete: [Kind.DELETE, Kind.DELETE_REPLACE],
  update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
};

function diffResponse({ changes, replaces }: Difference): messages.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const response = new messages.DiffResponse()
    .setChanges(changes.size > 0 ? DIFF_SOME : DIFF_NONE)
    .setHasdetaileddiff(true)
    .setDiffsList(roots(changes.keys()))
    .setReplacesList(roots(replaces));
  for (const [path, kind] of changes) {
    const [plain, replacing] = KINDS[kind];
    const entry = new messages.PropertyDiff().setKind(replaces.has(path) ? replacing : plain);
    response.getDetaileddiffMap().set(path, entry);
  }
  return response;
}
