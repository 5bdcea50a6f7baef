/** What the stand-in for random serves. */
import type { PropertyTable, ResourceSpec } from "../lib/table.js";

export const PLUGIN = { name: "random", version: "4.21.2" } as const;

const keepers = { type: "stringMap", replaces: true } as const;

const stringInputs = {
  keepers,
  length: { type: "number", required: true, replaces: true },
  lower: { type: "boolean", replaces: true },
  minLower: { type: "number", replaces: true },
  minNumeric: { type: "number", replaces: true },
  minSpecial: { type: "number", replaces: true },
  minUpper: { type: "number", replaces: true },
  /** Deprecated name of `numeric`. */
  number: { type: "boolean", replaces: true },
  numeric: { type: "boolean", replaces: true },
  overrideSpecial: { type: "string", replaces: true },
  special: { type: "boolean", replaces: true },
  upper: { type: "boolean", replaces: true },
} as const satisfies PropertyTable;

function spec(token: string, inputs: PropertyTable, outputs: PropertyTable): ResourceSpec {
  return { plugin: PLUGIN.name, version: PLUGIN.version, token, inputs, outputs };
}

export const RANDOM_PASSWORD = spec("random:index/randomPassword:RandomPassword", stringInputs, {
  bcryptHash: { type: "string", secret: true },
  result: { type: "string", secret: true },
});

export const RANDOM_STRING = spec("random:index/randomString:RandomString", stringInputs, {
  result: { type: "string" },
});

export const RANDOM_ID = spec(
  "random:index/randomId:RandomId",
  {
    byteLength: { type: "number", required: true, replaces: true },
    keepers,
    prefix: { type: "string", replaces: true },
  },
  {
    b64Std: { type: "string" },
    b64Url: { type: "string" },
    dec: { type: "string" },
    hex: { type: "string" },
  },
);
