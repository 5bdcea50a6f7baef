/** Property tables: what a stand-in serves, and the checks that follow from it. */
import { isMap, makeSecret, mapValues, type PropertyMap, Secret, Special } from "./values.js";
import { Computed, type Value } from "./values.js";
import { ARCHIVE_SIGNATURE, ASSET_SIGNATURE } from "./wire.js";

export interface PropertySpec {
  readonly type:
    "string" | "number" | "boolean" | "strings" | "stringMap" | "list" | "object" | "source";
  readonly required?: boolean;
  /** Always kept as a secret, whether it was given as one or not. */
  readonly secret?: boolean;
  /** A change of this property replaces the resource. */
  readonly replaces?: boolean;
  readonly default?: string | number;
  /** Of an object. */
  readonly properties?: PropertyTable;
}

export type PropertyTable = Readonly<Record<string, PropertySpec>>;

export interface ResourceSpec {
  /** The plugin's name, as in `command`. */
  readonly plugin: string;
  /** The version of the official plugin that is stood in for. */
  readonly version: string;
  readonly token: string;
  readonly inputs: PropertyTable;
  readonly outputs: PropertyTable;
}

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

export interface Checked {
  readonly inputs: PropertyMap;
  readonly failures: readonly CheckFailure[];
}

export function notServed(plugin: string, version: string, what: string): string {
  return (
    `the stand-in for ${plugin} does not serve ${what}; ` +
    `with the official plugin pulumi-resource-${plugin} v${version} it may be available`
  );
}

/** Checks the inputs against the table, then adds defaults and secret marks. */
export function checkInputs(spec: ResourceSpec, news: PropertyMap): Checked {
  const given = Object.fromEntries(
    Object.entries(news).filter(([key]) => !key.startsWith("__") && key !== "version"),
  );
  const failures: CheckFailure[] = [];
  checkMap(spec, spec.inputs, given, "", failures);
  const inputs = failures.length > 0 ? given : addDefaults(spec.inputs, given);
  return { inputs: addSecrets(spec.inputs, inputs), failures };
}

function checkMap(
  spec: ResourceSpec,
  table: PropertyTable,
  map: PropertyMap,
  prefix: string,
  failures: CheckFailure[],
) {
  for (const [key, value] of Object.entries(map)) {
    const property = prefix + key;
    const wanted = table[key];
    if (wanted === undefined) {
      const what = `property ${property} of ${spec.token}`;
      failures.push({ property, reason: notServed(spec.plugin, spec.version, what) });
    } else {
      checkValue(spec, wanted, value, property, failures);
    }
  }
  for (const [key, wanted] of Object.entries(table)) {
    if (wanted.required === true && (map[key] ?? null) === null) {
      failures.push({
        property: prefix + key,
        reason: `missing required property ${prefix}${key}`,
      });
    }
  }
}

function checkValue(
  spec: ResourceSpec,
  wanted: PropertySpec,
  value: Value,
  property: string,
  failures: CheckFailure[],
) {
  if (value instanceof Secret) {
    checkValue(spec, wanted, value.element, property, failures);
  } else if (value instanceof Computed || value === null) {
    return;
  } else if (!hasType(wanted, value)) {
    const got = Array.isArray(value) ? "list" : isMap(value) ? "map" : typeof value;
    const reason = `property ${property} must be a ${TYPE_NAMES[wanted.type]}, got a ${got}`;
    failures.push({ property, reason });
  } else if (wanted.properties !== undefined && isMap(value)) {
    checkMap(spec, wanted.properties, value, `${property}.`, failures);
  }
}

const TYPE_NAMES: Readonly<Record<PropertySpec["type"], string>> = {
  string: "string",
  number: "number",
  boolean: "boolean",
  strings: "list of strings",
  stringMap: "map of strings",
  list: "list",
  object: "map",
  source: "file asset, string asset or file archive",
};

function hasType(wanted: PropertySpec, value: Value): boolean {
  switch (wanted.type) {
    case "string":
    case "number":
    case "boolean":
      return typeof value === wanted.type;
    case "strings":
      return Array.isArray(value) && value.every(isText);
    case "stringMap":
      return isMap(value) && Object.values(value).every(isText);
    case "list":
      return Array.isArray(value);
    case "object":
      return isMap(value);
    case "source":
      return (
        value instanceof Special && [ASSET_SIGNATURE, ARCHIVE_SIGNATURE].includes(value.signature)
      );
  }
}

function isText(value: Value): boolean {
  if (value instanceof Secret) return isText(value.element);
  return typeof value === "string" || value instanceof Computed;
}

function addDefaults(table: PropertyTable, map: PropertyMap): PropertyMap {
  const result = mapValues(map, (value, key) => defaultsWithin(table[key], value));
  for (const [key, spec] of Object.entries(table)) {
    if (spec.default !== undefined && (result[key] ?? null) === null) result[key] = spec.default;
  }
  return result;
}

function defaultsWithin(spec: PropertySpec | undefined, value: Value): Value {
  if (value instanceof Secret) return new Secret(defaultsWithin(spec, value.element));
  return spec?.properties !== undefined && isMap(value)
    ? addDefaults(spec.properties, value)
    : value;
}

function addSecrets(table: PropertyTable, map: PropertyMap): PropertyMap {
  return mapValues(map, (value, key) => {
    const marked = secretsWithin(table[key], value);
    return table[key]?.secret === true ? makeSecret(marked) : marked;
  });
}

function secretsWithin(spec: PropertySpec | undefined, value: Value): Value {
  if (value instanceof Secret) return new Secret(secretsWithin(spec, value.element));
  return spec?.properties !== undefined && isMap(value)
    ? addSecrets(spec.properties, value)
    : value;
}
