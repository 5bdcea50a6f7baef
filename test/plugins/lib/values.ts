/**
 * The values that the Pulumi engine and a provider exchange, without their wire form (see wire.ts).
 */

/** A value that must not be shown and is encrypted in the state. */
export class Secret {
  constructor(readonly element: Value) {}
}

/** A value that is not known yet, as in a preview. */
export class Computed {
  /** Keeps plain maps from being taken for this type. */
  readonly computed = true;
}

/** An asset, an archive or a resource reference: carried as the engine sent it. */
export class Special {
  constructor(
    readonly signature: string,
    readonly fields: Readonly<Record<string, unknown>>,
  ) {}
}

export type Value =
  null | boolean | number | string | Value[] | PropertyMap | Secret | Computed | Special;

export interface PropertyMap {
  [key: string]: Value;
}

export function isMap(value: Value | undefined): value is PropertyMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Secret) &&
    !(value instanceof Computed) &&
    !(value instanceof Special)
  );
}

/** The value without the secret marks around it; marks deeper inside stay. */
export function reveal(value: Value | undefined): Value | undefined {
  let current = value;
  while (current instanceof Secret) current = current.element;
  return current;
}

/** The value without any secret mark. */
export function revealAll(value: Value): Value {
  const plain = reveal(value) ?? null;
  if (Array.isArray(plain)) return plain.map(revealAll);
  if (isMap(plain)) return mapValues(plain, revealAll);
  return plain;
}

export function mapValues(
  map: PropertyMap,
  change: (value: Value, key: string) => Value,
): PropertyMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
}

export function isComputed(value: Value | undefined): boolean {
  return reveal(value) instanceof Computed;
}

export function isSecret(value: Value | undefined): boolean {
  return value instanceof Secret;
}

export function makeSecret(value: Value): Value {
  return value instanceof Secret ? value : new Secret(value);
}

/** Unknown, and secret if the value was. */
export function makeComputed(value: Value): Value {
  return value instanceof Secret ? new Secret(new Computed()) : new Computed();
}

/**
 * Whether two values are the same, secret marks included: a value that becomes secret is a change.
 */
export function deepEquals(a: Value | undefined, b: Value | undefined): boolean {
  if (a instanceof Secret || b instanceof Secret) {
    return a instanceof Secret && b instanceof Secret && deepEquals(a.element, b.element);
  }
  if (a instanceof Computed || b instanceof Computed) {
    return a instanceof Computed && b instanceof Computed;
  }
  if (a instanceof Special || b instanceof Special) {
    return a instanceof Special && b instanceof Special && sameSpecial(a, b);
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((element, index) => deepEquals(element, b[index]))
    );
  }
  if (isMap(a) && isMap(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => deepEquals(a[key] ?? null, b[key] ?? null));
  }
  return a === b;
}

/** Assets and archives are the same when their content hash is, wherever they come from. */
function sameSpecial(a: Special, b: Special): boolean {
  if (a.signature !== b.signature) return false;
  const [hashA, hashB] = [a.fields["hash"], b.fields["hash"]];
  if (typeof hashA === "string" && hashA !== "" && typeof hashB === "string" && hashB !== "") {
    return hashA === hashB;
  }
  return JSON.stringify(sortKeys(a.fields)) === JSON.stringify(sortKeys(b.fields));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}
