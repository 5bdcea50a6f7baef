/** The official provider's checks of values, in its words. */
import { isComputed, type PropertyMap } from "../lib/values.js";
import { readBoolean, readNumber } from "../lib/read.js";
import type { CheckFailure } from "../lib/table.js";

const MINIMUMS = ["minUpper", "minLower", "minNumeric", "minSpecial"] as const;
const CLASSES = ["special", "upper", "lower"] as const;

export function checkStringRules(inputs: PropertyMap, name: string): CheckFailure[] {
  const known = Object.fromEntries(
    Object.entries(inputs).filter(([, value]) => !isComputed(value)),
  );
  return [...checkLength(known, name), ...checkNumeric(known, name)];
}

function checkLength(known: PropertyMap, name: string): CheckFailure[] {
  const length = readNumber(known, "length");
  if (length === undefined) return [];
  const failure = (wanted: string) =>
    failed(name, "length", "Value", `Attribute length value must be ${wanted}, got: ${length}`);
  const sum = MINIMUMS.reduce((total, key) => total + (readNumber(known, key) ?? 0), 0);
  return [
    ...(length < 1 ? [failure("at least 1")] : []),
    ...(length < sum
      ? [failure("at least sum of min_upper + min_lower + min_numeric + min_special")]
      : []),
  ];
}

function checkNumeric(known: PropertyMap, name: string): CheckFailure[] {
  const [number, numeric] = [readBoolean(known, "number"), readBoolean(known, "numeric")];
  if (number !== undefined && numeric !== undefined && number !== numeric) {
    const reason =
      "Number and numeric are both configured with different values. " +
      "Number is deprecated, use numeric instead";
    return [{ property: "number", reason }];
  }
  if ((numeric ?? number) !== false) return [];
  if (CLASSES.some((key) => readBoolean(known, key) !== false)) return [];
  const key = numeric === undefined ? "number" : "numeric";
  const detail = `At least one attribute out of [special,upper,lower,${key}] must be specified as true`;
  return [failed(name, key, "Combination", detail)];
}

export function checkIdRules(inputs: PropertyMap, name: string): CheckFailure[] {
  if (isComputed(inputs["byteLength"])) return [];
  const length = readNumber(inputs, "byteLength") ?? 0;
  if (length >= 0) return [];
  return [
    failed(
      name,
      "byteLength",
      "Value",
      `Attribute byte_length must not be negative, got: ${length}`,
    ),
  ];
}

function failed(name: string, property: string, kind: string, detail: string): CheckFailure {
  const reason = `Invalid Attribute ${kind}. ${detail}. Examine values at '${name}.${property}'.`;
  return { property, reason };
}
