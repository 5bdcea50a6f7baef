import { distance } from "fastest-levenshtein";
import type { z } from "zod";

/** Where a value stands below the namespace: `["machines", "vm2", "address"]`. */
export type Path = readonly PropertyKey[];

const NAMESPACE = "trivet";
const LONGEST_SHOWN = 80;

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Keys of what should be a mapping; none when it is something else. */
export function keysOf(value: unknown): string[] {
  return isMapping(value) ? Object.keys(value) : [];
}

/** The value at `path`; undefined when there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else if (isMapping(value) && Object.hasOwn(value, key)) value = value[String(key)];
    else return undefined;
  }
  return value;
}

/** A path as `pulumi config set --path` takes it: `trivet:services.web["a b"][0]`. */
export function pathText(path: Path): string {
  const steps = path.map((key) => {
    if (typeof key === "number") return `[${key}]`;
    const text = String(key);
    return /^[\w-]{1,80}$/.test(text) ? `.${text}` : `[${shortened(text)}]`;
  });
  return `${NAMESPACE}:${steps.join("").replace(/^\./, "")}`;
}

/** What is wrong at one place, complete: path, value found where it may be shown, what is right. */
export function problemAt(raw: unknown, path: Path, message: string): string {
  // A message that starts otherwise says by itself what was found.
  if (!message.startsWith("must ")) return `${pathText(path)}: ${message}`;
  const value = valueAt(raw, path);
  if (value === undefined) return `${pathText(path)}: is missing, ${message}`;
  if (isHidden(path, value)) return `${pathText(path)}: ${message}`;
  return `${pathText(path)}: is ${shown(value)}, ${message}`;
}

/** One problem for each key that the schema does not know, one for any other issue. */
export function problemsOf(issue: z.core.$ZodIssue, raw: unknown): string[] {
  if (issue.code !== "unrecognized_keys") return [problemAt(raw, issue.path, issue.message)];
  // A group's message for unknown keys is the list of the known ones: see `group`.
  const known = issue.message.split(" ");
  return issue.keys.map((key) =>
    problemAt(raw, [...issue.path, key], unknownKey(key, known, issue.path.length === 0)),
  );
}

function unknownKey(key: string, known: readonly string[], top: boolean): string {
  const first = key.split(/[.[]/)[0] ?? "";
  if (top && first !== key && known.includes(first)) {
    return "was set without --path: remove it with `pulumi config rm`, then use `pulumi config set --path`";
  }
  const near = nearest(key, known);
  if (near !== undefined) return `is unknown, did you mean ${JSON.stringify(near)}?`;
  return `is unknown, known here: ${known.join(", ")}`;
}

/** The known word that `word` is most likely a slip of; undefined when none is close. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const wanted = word.slice(0, LONGEST_SHOWN).toLowerCase();
  const ranked = known
    .map((name) => ({ name, far: slip(wanted, name.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const best = ranked[0];
  const most = Math.min(wanted.length - 1, Math.max(1, Math.floor(wanted.length / 3)));
  return best !== undefined && best.far <= most ? best.name : undefined;
}

/** How far two words are apart; one cut short, or with letters in another order, is close. */
function slip(word: string, name: string): number {
  const sorted = (text: string) => Array.from(text).sort().join("");
  const close = (word.length > 2 && name.startsWith(word)) || sorted(word) === sorted(name);
  return Math.min(distance(word, name), close ? 1 : Infinity);
}

/** Places whose value is a secret, may well hold one, or is too long to help. */
const HIDDEN: readonly (readonly string[])[] = [
  ["ssh", "privateKey"],
  ["tls", "certificate"],
  ["tls", "key"],
  ["images", "registry", "password"],
  ["database", "parameters", "*"],
  ["dump", "copyTo", "privateKey"],
  ["services", "*", "env", "*"],
  ["services", "*", "secrets", "*"],
  ["services", "*", "command"],
  ["services", "*", "migrate"],
];

function isHidden(path: Path, value: unknown): boolean {
  const scalar = typeof value !== "object";
  return (
    scalar &&
    HIDDEN.some(
      (place) =>
        place.length <= path.length &&
        place.every((step, i) => step === "*" || step === String(path[i])),
    )
  );
}

/** Of a list or a mapping only the kind is told: what is inside may be secret. */
function shown(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value !== "string") return JSON.stringify(value);
  if (value.includes("PRIVATE KEY")) return "a private key";
  // What stands before the last @ of an address may be user:password.
  const at = value.lastIndexOf("@");
  return shortened(value.slice(0, Math.max(at, 0)).includes(":") ? `…${value.slice(at)}` : value);
}

function shortened(text: string): string {
  return JSON.stringify(text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text);
}

/** What a container field says of a value of another kind, which may be a misplaced secret. */
export function kindOf(value: unknown): string {
  return typeof value === "string" ? "text" : shown(value);
}
