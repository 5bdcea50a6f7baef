/** Differences between two property maps, in the shape and with the rules of the engine's own. */
import { deepEquals, isMap, type PropertyMap, type Value } from "./values.js";

export type DiffKind = "add" | "delete" | "update";

/** From a property's path (`environment.PATH`, `triggers[0]`) to what happened to it. */
export type PropertyDiffs = Map<string, DiffKind>;

type PathPart = string | number;

export function diffMaps(olds: PropertyMap, news: PropertyMap): PropertyDiffs {
  const found: PropertyDiffs = new Map();
  walkMap([], olds, news, found);
  return found;
}

function walkMap(path: PathPart[], olds: PropertyMap, news: PropertyMap, found: PropertyDiffs) {
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    walk([...path, key], olds[key] ?? null, news[key] ?? null, found);
  }
}

function walk(path: PathPart[], before: Value, after: Value, found: PropertyDiffs) {
  if (Array.isArray(before) && Array.isArray(after)) {
    walkArray(path, before, after, found);
  } else if (isMap(before) && isMap(after)) {
    walkMap(path, before, after, found);
  } else if (!deepEquals(before, after)) {
    found.set(formatPath(path), kindOf(before, after));
  }
}

function walkArray(path: PathPart[], before: Value[], after: Value[], found: PropertyDiffs) {
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const [old, now] = [before[index], after[index]];
    if (old === undefined) found.set(formatPath([...path, index]), "add");
    else if (now === undefined) found.set(formatPath([...path, index]), "delete");
    else walk([...path, index], old, now, found);
  }
}

function kindOf(before: Value, after: Value): DiffKind {
  if (before === null) return "add";
  return after === null ? "delete" : "update";
}

export function formatPath(path: readonly PathPart[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!/^[A-Za-z_$][\w$]*$/.test(part)) text += `["${part.replaceAll('"', '\\"')}"]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

/** The top-level property that a path lies in. */
export function rootOf(path: string): string {
  const quoted = /^\["((?:[^"\\]|\\.)*)"\]/.exec(path)?.[1];
  return quoted?.replaceAll('\\"', '"') ?? path.split(/[.[]/, 1)[0] ?? path;
}
