/** Typed reading of checked properties. Each throws if the value is of another type or not known. */
import { isMap, type PropertyMap, reveal, type Value } from "./values.js";

function read<T extends Value>(
  map: PropertyMap,
  key: string,
  type: string,
  is: (value: Value) => value is T,
): T | undefined {
  const value = reveal(map[key]) ?? null;
  if (value === null) return undefined;
  if (!is(value)) throw new Error(`property ${key} must be a ${type}`);
  return value;
}

export function readString(map: PropertyMap, key: string): string | undefined {
  return read(map, key, "string", (value) => typeof value === "string");
}

export function readNumber(map: PropertyMap, key: string): number | undefined {
  return read(map, key, "number", (value) => typeof value === "number");
}

export function readBoolean(map: PropertyMap, key: string): boolean | undefined {
  return read(map, key, "boolean", (value) => typeof value === "boolean");
}

export function readMap(map: PropertyMap, key: string): PropertyMap | undefined {
  return read(map, key, "map", isMap);
}

export function readStrings(map: PropertyMap, key: string): string[] | undefined {
  const list = read(map, key, "list", (value) => Array.isArray(value));
  return list?.map((element) => {
    const text = reveal(element);
    if (typeof text !== "string") throw new Error(`property ${key} must be a list of strings`);
    return text;
  });
}

export function readStringMap(map: PropertyMap, key: string): Record<string, string> | undefined {
  const inner = readMap(map, key);
  if (inner === undefined) return undefined;
  return Object.fromEntries(
    Object.keys(inner).map((name) => [name, readString(inner, name) ?? ""]),
  );
}
