import { specialSecretSig, specialSigKey } from "@pulumi/pulumi/runtime";

function isMarked(value: object): value is { value: unknown } {
  return Reflect.get(value, specialSigKey) === specialSecretSig;
}

/** The value with its secrets in clear. */
export function withoutMarks(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isMarked(value)) return withoutMarks(value.value);
  if (Array.isArray(value)) return value.map(withoutMarks);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutMarks(item)]));
}

/** Every text that is not inside a secret, and every key. */
export function plainText(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [String(value)];
  if (isMarked(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => [key, ...plainText(item)]);
}

/** Every text, secrets too. */
export function allText(value: unknown): string[] {
  return plainText(withoutMarks(value));
}
