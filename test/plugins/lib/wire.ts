/** The wire form of values: a protobuf Struct in which special objects carry a signature. */
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb";
import { Computed, type PropertyMap, Secret, Special, type Value } from "./values.js";

const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT_SIGNATURE = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
export const ASSET_SIGNATURE = "c44067f5952c0a294b673a41bacd8c17";
export const ARCHIVE_SIGNATURE = "0def7320c3a5731c473e5ecbe6d01bc7";

/** Stands for a string, or a value of unknown type, that is not known yet. */
const UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const UNKNOWN = new Set([
  UNKNOWN_STRING,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

export function decodeMap(struct: Struct | undefined): PropertyMap {
  return struct === undefined ? {} : decodeEntries(struct.toJavaScript());
}

export function encodeMap(map: PropertyMap): Struct {
  return Struct.fromJavaScript(encodeEntries(map));
}

/** Null properties are left out: to the engine they are the same as absent ones. */
function decodeEntries(fields: object): PropertyMap {
  const result: PropertyMap = {};
  for (const [key, raw] of Object.entries(fields)) {
    const value = decode(raw);
    if (value !== null) result[key] = value;
  }
  return result;
}

function decode(raw: unknown): Value {
  if (typeof raw === "string") return UNKNOWN.has(raw) ? new Computed() : raw;
  if (typeof raw === "boolean" || typeof raw === "number") return raw;
  if (Array.isArray(raw)) return raw.map(decode);
  if (typeof raw !== "object" || raw === null) return null;
  return decodeObject(raw);
}

function decodeObject(raw: object): Value {
  const fields: Record<string, unknown> = Object.fromEntries(Object.entries(raw));
  const signature = fields[SIGNATURE_KEY];
  if (typeof signature !== "string") return decodeEntries(raw);
  if (signature === SECRET_SIGNATURE) return new Secret(decode(fields["value"]));
  if (signature === OUTPUT_SIGNATURE) {
    const element = "value" in fields ? decode(fields["value"]) : new Computed();
    return fields["secret"] === true ? new Secret(element) : element;
  }
  return new Special(signature, fields);
}

function encodeEntries(map: PropertyMap): Record<string, JavaScriptValue> {
  const result: Record<string, JavaScriptValue> = {};
  for (const [key, value] of Object.entries(map)) {
    if (value !== null) result[key] = encode(value);
  }
  return result;
}

function encode(value: Value): JavaScriptValue {
  if (value instanceof Secret) {
    return { [SIGNATURE_KEY]: SECRET_SIGNATURE, value: encode(value.element) };
  }
  if (value instanceof Computed) return UNKNOWN_STRING;
  if (value instanceof Special) return value.fields;
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value === "object" && value !== null) return encodeEntries(value);
  return value;
}
