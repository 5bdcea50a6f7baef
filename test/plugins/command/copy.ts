import { ARCHIVE_SIGNATURE, ASSET_SIGNATURE } from "../lib/wire.js";
import { deepEquals, isComputed, type PropertyMap, reveal, Special } from "../lib/values.js";
import { type Created, type CreateRequest, Resource, type UpdateRequest } from "../lib/resource.js";
import { COPY_TO_REMOTE } from "./properties.js";
import type { Checked } from "../lib/table.js";
import { dial } from "./ssh/dial.js";
import type { Operation } from "../lib/operation.js";
import { readRoute } from "./ssh/endpoint.js";
import { readString } from "../lib/read.js";
import { RemoteFiles } from "./ssh/files.js";
import { revealMap } from "./run.js";
import { uniqueId } from "./command.js";

type Source = { readonly text: string } | { readonly path: string };

export class CopyToRemote extends Resource {
  constructor() {
    super(COPY_TO_REMOTE);
  }

  override check(news: PropertyMap, name: string): Checked {
    const checked = super.check(news, name);
    if (checked.failures.length > 0 || isComputed(news["source"])) return checked;
    const source = reveal(news["source"]);
    if (!(source instanceof Special) || readSource(source) !== undefined) return checked;
    const failure =
      source.signature === ARCHIVE_SIGNATURE
        ? { property: "archive", reason: "archive must be a path to a file or directory" }
        : { property: "asset", reason: "asset must be a path-based file asset or a text asset" };
    return { ...checked, failures: [failure] };
  }

  override async create(request: CreateRequest, operation: Operation): Promise<Created> {
    const { inputs, preview } = request;
    if (preview) return { id: "", outputs: inputs };
    await copy(inputs, operation);
    return { id: uniqueId(""), outputs: inputs };
  }

  /** Copies only if the content or the place changed: another connection alone copies nothing. */
  override async update(request: UpdateRequest, operation: Operation): Promise<PropertyMap> {
    const { state, inputs, preview } = request;
    const changed = ["source", "remotePath"].some(
      (key) => !deepEquals(reveal(inputs[key]), reveal(state[key])),
    );
    if (!preview && changed) await copy(inputs, operation);
    return inputs;
  }
}

/** A file's path or a text; undefined for what the official plugin refuses. */
function readSource({ signature, fields }: Special): Source | undefined {
  const { text, path } = fields;
  if (signature === ASSET_SIGNATURE && typeof text === "string" && text !== "") return { text };
  return typeof path === "string" && path !== "" ? { path } : undefined;
}

async function copy(inputs: PropertyMap, { log, signal }: Operation): Promise<void> {
  const special = reveal(inputs["source"]);
  const source = special instanceof Special ? readSource(special) : undefined;
  const remotePath = readString(inputs, "remotePath") ?? "";
  if (source === undefined) throw new Error("property source must be an asset or an archive");
  const connection = await dial(readRoute(revealMap(inputs, "connection")), log, signal);
  const stop = () => {
    connection.close();
  };
  signal.addEventListener("abort", stop);
  try {
    const files = await RemoteFiles.open(connection.client);
    if ("text" in source) await files.writeText(source.text, remotePath);
    else await files.copy(source.path, remotePath);
  } finally {
    signal.removeEventListener("abort", stop);
    connection.close();
  }
}
