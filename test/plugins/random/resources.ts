import { type Created, type CreateRequest, type Difference } from "../lib/resource.js";
import { Computed, deepEquals, isSecret, makeSecret, mapValues, reveal } from "../lib/values.js";
import { type DiffRequest, Resource, type UpdateRequest } from "../lib/resource.js";
import { type PropertyMap, type Value } from "../lib/values.js";
import { RANDOM_ID, RANDOM_PASSWORD, RANDOM_STRING } from "./properties.js";
import { readBoolean, readNumber, readString } from "../lib/read.js";
import { type Checked } from "../lib/table.js";
import { checkIdRules, checkStringRules } from "./rules.js";
import { diffMaps, rootOf } from "../lib/diff.js";
import { randomIdForms, randomText } from "./generate.js";
import { bcryptHash } from "./bcrypt.js";

/** What the three have in common: every change replaces, so nothing is ever updated in place. */
abstract class RandomResource extends Resource {
  /** The inputs with the defaults that the official provider records in the state. */
  protected abstract plan(inputs: PropertyMap): PropertyMap;

  protected abstract generate(plan: PropertyMap): { id: string; outputs: PropertyMap };

  override diff({ state, inputs }: DiffRequest): Difference {
    const before = pickKeys(state, Object.keys(this.spec.inputs));
    const changes = diffMaps(publicly(before), publicly(this.plan(inputs)));
    const replaces = [...changes.keys()].filter((path) => !isEmptyToAbsent(path, before, inputs));
    return { changes, replaces: new Set(replaces) };
  }

  override async create({ inputs, preview }: CreateRequest): Promise<Created> {
    const plan = this.plan(inputs);
    const unknown = mapValues(
      Object.fromEntries(Object.keys(this.spec.outputs).map((key) => [key, null])),
      () => new Computed(),
    );
    const made = preview ? { id: "", outputs: unknown } : this.generate(plan);
    const outputs = mapValues(made.outputs, (value, key) =>
      this.spec.outputs[key]?.secret === true ? makeSecret(value) : value,
    );
    return Promise.resolve({ id: made.id, outputs: { ...plan, ...outputs } });
  }

  /** Reached only by a change that needs no new value: the inputs are taken over. */
  override async update({ state, inputs }: UpdateRequest): Promise<PropertyMap> {
    const kept = pickKeys(state, [...Object.keys(this.spec.outputs), "id"]);
    return Promise.resolve({ ...this.plan(inputs), ...kept });
  }
}

function pickKeys(map: PropertyMap, keys: readonly string[]): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([key]) => keys.includes(key)));
}

/** A secret mark around an input is no change of the input. */
function publicly(map: PropertyMap): PropertyMap {
  return mapValues(map, (value) => reveal(value) ?? null);
}

/** `overrideSpecial` going from empty to absent means the same characters. */
function isEmptyToAbsent(path: string, before: PropertyMap, inputs: PropertyMap): boolean {
  const empty = deepEquals(reveal(before["overrideSpecial"]) ?? null, "");
  return rootOf(path) === "overrideSpecial" && empty && inputs["overrideSpecial"] === undefined;
}

abstract class RandomCharacters extends RandomResource {
  override check(news: PropertyMap, name: string): Checked {
    const checked = super.check(news, name);
    if (checked.failures.length > 0) return checked;
    return { ...checked, failures: checkStringRules(checked.inputs, name) };
  }

  protected override plan(inputs: PropertyMap): PropertyMap {
    const numeric: Value = inputs["numeric"] ?? inputs["number"] ?? true;
    return {
      lower: true,
      minLower: 0,
      minNumeric: 0,
      minSpecial: 0,
      minUpper: 0,
      special: true,
      upper: true,
      ...inputs,
      number: inputs["number"] ?? numeric,
      numeric,
    };
  }

  protected text(plan: PropertyMap): string {
    return randomText({
      length: readNumber(plan, "length") ?? 0,
      upper: readBoolean(plan, "upper") ?? true,
      minUpper: readNumber(plan, "minUpper") ?? 0,
      lower: readBoolean(plan, "lower") ?? true,
      minLower: readNumber(plan, "minLower") ?? 0,
      numeric: readBoolean(plan, "numeric") ?? true,
      minNumeric: readNumber(plan, "minNumeric") ?? 0,
      special: readBoolean(plan, "special") ?? true,
      minSpecial: readNumber(plan, "minSpecial") ?? 0,
      overrideSpecial: readString(plan, "overrideSpecial") ?? "",
    });
  }
}

export class RandomPassword extends RandomCharacters {
  constructor() {
    super(RANDOM_PASSWORD);
  }

  protected override generate(plan: PropertyMap) {
    const result = this.text(plan);
    return { id: "none", outputs: { id: "none", result, bcryptHash: bcryptHash(result) } };
  }
}

export class RandomString extends RandomCharacters {
  constructor() {
    super(RANDOM_STRING);
  }

  protected override generate(plan: PropertyMap) {
    const result = this.text(plan);
    return { id: result, outputs: { id: result, result } };
  }
}

export class RandomId extends RandomResource {
  constructor() {
    super(RANDOM_ID);
  }

  override check(news: PropertyMap, name: string): Checked {
    const checked = super.check(news, name);
    if (checked.failures.length > 0) return checked;
    return { ...checked, failures: checkIdRules(checked.inputs, name) };
  }

  protected override plan(inputs: PropertyMap): PropertyMap {
    return { ...inputs };
  }

  protected override generate(plan: PropertyMap) {
    const prefix = readString(plan, "prefix") ?? "";
    const forms = randomIdForms(readNumber(plan, "byteLength") ?? 0, prefix);
    const outputs = mapValues({ ...forms }, (value, key) =>
      key !== "id" && isSecret(plan["prefix"]) ? makeSecret(value) : value,
    );
    return { id: forms.id, outputs };
  }
}
