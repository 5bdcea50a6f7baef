/** Random text by the rules of the official provider, from the system's secure source. */
import { randomBytes, randomInt } from "node:crypto";

export interface StringRules {
  readonly length: number;
  readonly upper: boolean;
  readonly minUpper: number;
  readonly lower: boolean;
  readonly minLower: number;
  readonly numeric: boolean;
  readonly minNumeric: number;
  readonly special: boolean;
  readonly minSpecial: number;
  /** Used instead of the default special characters unless empty. */
  readonly overrideSpecial: string;
}

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = "abcdefghijklmnopqrstuvwxyz";
const NUMERIC = "0123456789";
const SPECIAL = "!@#$%&*()-_=+[]{}<>:?";

/** A minimum holds for its class even where that class is switched off, as in the official one. */
export function randomText(rules: StringRules): string {
  const special = rules.overrideSpecial === "" ? SPECIAL : rules.overrideSpecial;
  const all =
    (rules.upper ? UPPER : "") +
    (rules.lower ? LOWER : "") +
    (rules.numeric ? NUMERIC : "") +
    (rules.special ? special : "");
  if (all === "") throw new Error("the character set specified is empty");
  const chosen = [
    ...pick(NUMERIC, rules.minNumeric),
    ...pick(LOWER, rules.minLower),
    ...pick(UPPER, rules.minUpper),
    ...pick(special, rules.minSpecial),
  ];
  chosen.push(...pick(all, rules.length - chosen.length));
  return shuffle(chosen).join("");
}

function pick(characters: string, count: number): string[] {
  const set = Array.from(characters);
  return Array.from({ length: count }, () => set[randomInt(set.length)] ?? "");
}

function shuffle(items: readonly string[]): string[] {
  const result: string[] = [];
  for (const item of items) {
    const place = randomInt(result.length + 1);
    result.push(result[place] ?? item);
    result[place] = item;
  }
  return result;
}

export interface IdForms {
  /** URL-safe base64 without the prefix: the resource's own id. */
  readonly id: string;
  readonly b64Url: string;
  readonly b64Std: string;
  readonly hex: string;
  readonly dec: string;
}

export function randomIdForms(byteLength: number, prefix: string): IdForms {
  return idForms(randomBytes(byteLength), prefix);
}

export function idForms(bytes: Buffer, prefix: string): IdForms {
  const hex = bytes.toString("hex");
  const id = bytes.toString("base64url");
  return {
    id,
    b64Url: prefix + id,
    b64Std: prefix + bytes.toString("base64"),
    hex: prefix + hex,
    dec: prefix + BigInt(`0x${hex === "" ? "0" : hex}`).toString(),
  };
}
