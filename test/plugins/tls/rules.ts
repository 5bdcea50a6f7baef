/** The official provider's checks of values, in its words. */
import { formatPath } from "../lib/diff.js";
import { goQuote } from "../lib/go.js";
import { isComputed, type PropertyMap, reveal } from "../lib/values.js";
import { readNumber } from "../lib/read.js";
import type { CheckFailure } from "../lib/table.js";

type Path = readonly (string | number)[];

export function checkOneOf(
  inputs: PropertyMap,
  name: string,
  key: string,
  allowed: readonly string[],
): CheckFailure[] {
  const value = reveal(inputs[key]);
  return typeof value === "string" ? checkText(name, [key], value, allowed) : [];
}

export function checkAllOneOf(
  inputs: PropertyMap,
  name: string,
  key: string,
  allowed: readonly string[],
): CheckFailure[] {
  return texts(inputs, key).flatMap(([index, text]) =>
    checkText(name, [key, index], text, allowed),
  );
}

function checkText(name: string, path: Path, text: string, allowed: readonly string[]) {
  if (allowed.includes(text)) return [];
  const wanted = `value must be one of: [${allowed.map(goQuote).join(" ")}]`;
  return [failed(name, path, "Value Match", `${wanted}, got: ${goQuote(text)}`)];
}

export function checkNotEmpty(inputs: PropertyMap, name: string, key: string): CheckFailure[] {
  return texts(inputs, key)
    .filter(([, text]) => text === "")
    .map(([index]) =>
      failed(name, [key, index], "Value Length", "string length must be at least 1, got: 0"),
    );
}

/** A whole number, at least `minimum` if there is one. */
export function checkWhole(
  inputs: PropertyMap,
  name: string,
  key: string,
  minimum = -Infinity,
): CheckFailure[] {
  const value = isComputed(inputs[key]) ? undefined : readNumber(inputs, key);
  if (value === undefined) return [];
  if (!Number.isSafeInteger(value)) {
    return [failed(name, [key], "Value", `value must be a whole number, got: ${value}`)];
  }
  if (value >= minimum) return [];
  return [failed(name, [key], "Value", `value must be at least ${minimum}, got: ${value}`)];
}

/** The known elements of a list of strings. */
function texts(inputs: PropertyMap, key: string): [index: number, text: string][] {
  const list = reveal(inputs[key]);
  if (!Array.isArray(list)) return [];
  return list.flatMap((element, index): [number, string][] => {
    const text = reveal(element);
    return typeof text === "string" ? [[index, text]] : [];
  });
}

function failed(name: string, path: Path, kind: string, detail: string): CheckFailure {
  const property = formatPath(path);
  const attribute = property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const reason =
    `Invalid Attribute ${kind}. Attribute ${attribute} ${detail}. ` +
    `Examine values at '${name}.${property}'.`;
  return { property, reason };
}

/** The value as one of those allowed, which the check has made sure of. */
export function oneOf<T extends string>(allowed: readonly T[], value: string | undefined): T {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined)
    throw new Error(`${value ?? "nothing"} is not one of ${allowed.join(", ")}`);
  return found;
}
