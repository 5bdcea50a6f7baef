/** What the stand-in for command serves. */
import type { PropertyTable, ResourceSpec } from "../lib/table.js";

export const PLUGIN = { name: "command", version: "1.2.1" } as const;

const endpoint = {
  agentSocketPath: { type: "string" },
  /** Failed attempts before giving up; -1 for no limit. */
  dialErrorLimit: { type: "number", default: 10 },
  host: { type: "string", required: true },
  /** In the format of authorized_keys. Without it, any host key is accepted. */
  hostKey: { type: "string" },
  password: { type: "string", secret: true },
  /** Seconds for one connection attempt; 0 for no limit. */
  perDialTimeout: { type: "number", default: 15 },
  port: { type: "number", default: 22 },
  privateKey: { type: "string", secret: true },
  privateKeyPassword: { type: "string", secret: true },
  user: { type: "string", default: "root" },
} as const satisfies PropertyTable;

const connection = {
  type: "object",
  required: true,
  secret: true,
  properties: { ...endpoint, proxy: { type: "object", properties: endpoint } },
} as const;

const commands = {
  addPreviousOutputInEnv: { type: "boolean" },
  create: { type: "string" },
  delete: { type: "string" },
  environment: { type: "stringMap" },
  logging: { type: "string" },
  stdin: { type: "string" },
  triggers: { type: "list", replaces: true },
  update: { type: "string" },
} as const satisfies PropertyTable;

const commandOutputs = {
  stderr: { type: "string" },
  stdout: { type: "string" },
} as const satisfies PropertyTable;

function spec(token: string, inputs: PropertyTable, outputs: PropertyTable): ResourceSpec {
  return { plugin: PLUGIN.name, version: PLUGIN.version, token, inputs, outputs };
}

export const REMOTE_COMMAND = spec(
  "command:remote:Command",
  { ...commands, connection },
  commandOutputs,
);

/** Not served: `assetPaths` and `archivePaths`. */
export const LOCAL_COMMAND = spec(
  "command:local:Command",
  { ...commands, dir: { type: "string" }, interpreter: { type: "strings" } },
  commandOutputs,
);

export const COPY_TO_REMOTE = spec(
  "command:remote:CopyToRemote",
  {
    connection,
    remotePath: { type: "string", required: true },
    source: { type: "source", required: true },
    triggers: { type: "list", replaces: true },
  },
  {},
);
