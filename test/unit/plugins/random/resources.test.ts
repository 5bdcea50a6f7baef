import assert from "node:assert/strict";
import { Computed, type PropertyMap, Secret, type Value } from "../../../plugins/lib/values.js";
import { RandomId, RandomPassword, RandomString } from "../../../plugins/random/resources.js";
import { operation } from "../support/resource.js";
import type { Resource } from "../../../plugins/lib/resource.js";

const password = new RandomPassword();
const string: Resource = new RandomString();
const id = new RandomId();

const DEFAULTS = {
  ...{ lower: true, upper: true, numeric: true, number: true, special: true },
  ...{ minLower: 0, minUpper: 0, minNumeric: 0, minSpecial: 0 },
};

function create(resource: Resource, inputs: PropertyMap, preview = false) {
  return resource.create({ name: "it", inputs, preview }, operation());
}

function text(value: Value | undefined): string {
  assert.ok(typeof value === "string");
  return value;
}

describe("random resources", () => {
  it("record the defaults beside a secret result and hash", async () => {
    const { id: made, outputs } = await create(password, { length: 12 });
    const { result, bcryptHash, ...rest } = outputs;
    assert.equal(made, "none");
    assert.deepEqual(rest, { id: "none", length: 12, ...DEFAULTS });
    assert.ok(result instanceof Secret && bcryptHash instanceof Secret);
    assert.match(text(result.element), /^.{12}$/);
    assert.match(text(bcryptHash.element), /^\$2a\$10\$.{53}$/);
  }).slow(2000);

  it("have a string's result in the open, and as its id", async () => {
    const { id: made, outputs } = await create(string, { length: 8, special: false });
    assert.match(made, /^[A-Za-z0-9]{8}$/);
    assert.equal(outputs["result"], made);
    assert.equal(outputs["special"], false);
  });

  it("have an id's forms after its prefix", async () => {
    const inputs = { byteLength: 4, prefix: "p-", keepers: { a: "1" } };
    const { id: made, outputs } = await create(id, inputs);
    assert.equal(made.length, 6);
    assert.equal(outputs["b64Url"], `p-${made}`);
    assert.match(text(outputs["hex"]), /^p-[0-9a-f]{8}$/);
    assert.deepEqual(outputs["keepers"], { a: "1" });
  });

  it("differ at each create", async () => {
    const made = await Promise.all([1, 2].map(() => create(id, { byteLength: 16 })));
    assert.notEqual(made[0]?.id, made[1]?.id);
  });

  it("know nothing but the inputs in a preview", async () => {
    const { outputs } = await create(password, { length: 12 }, true);
    const unknown = new Secret(new Computed());
    assert.deepEqual(outputs, { length: 12, ...DEFAULTS, result: unknown, bcryptHash: unknown });
    const { outputs: forms } = await create(id, { byteLength: 2 }, true);
    assert.deepEqual(forms["hex"], new Computed());
  });

  it("keep a secret input secret", async () => {
    const keepers = new Secret({ a: "1" });
    assert.deepEqual((await create(string, { length: 4, keepers })).outputs["keepers"], keepers);
  });
});

describe("differences of random resources", () => {
  async function diff(resource: Resource, before: PropertyMap, after: PropertyMap) {
    const { outputs: state } = await create(resource, before);
    const found = resource.diff({ state, oldInputs: before, inputs: after });
    return { changes: Object.fromEntries(found.changes), replaces: [...found.replaces].sort() };
  }

  it("are none for the same inputs, or for a default that is written out", async () => {
    const none = { changes: {}, replaces: [] };
    const before = { length: 4, keepers: { a: "1" } };
    assert.deepEqual(await diff(string, before, { ...before }), none);
    assert.deepEqual(await diff(string, before, { ...before, numeric: true, minUpper: 0 }), none);
    assert.deepEqual(await diff(string, { length: 4, number: true }, { length: 4 }), none);
    assert.deepEqual(await diff(string, before, { ...before, length: new Secret(4) }), none);
  });

  it("replace for any change", async () => {
    assert.deepEqual(await diff(string, { length: 4 }, { length: 5, special: false }), {
      changes: { length: "update", special: "update" },
      replaces: ["length", "special"],
    });
    const keepers = await diff(id, { byteLength: 1, keepers: { a: "1" } }, { byteLength: 1 });
    assert.deepEqual(keepers.replaces, ["keepers"]);
    const before = { byteLength: 1, keepers: { a: "1" } };
    const changed = await diff(id, before, { byteLength: 1, keepers: { a: "2" } });
    assert.deepEqual(changed.replaces, ["keepers.a"]);
    const unknown = await diff(id, before, { byteLength: 1, keepers: { a: new Computed() } });
    assert.deepEqual(unknown.replaces, ["keepers.a"]);
  });

  it("keep number and numeric in step", async () => {
    const { changes } = await diff(string, { length: 4 }, { length: 4, number: false });
    assert.deepEqual(changes, { number: "update", numeric: "update" });
  });

  it("do not replace when empty special characters are left out", async () => {
    const before = { length: 4, overrideSpecial: "" };
    assert.deepEqual(await diff(string, before, { length: 4 }), {
      changes: { overrideSpecial: "delete" },
      replaces: [],
    });
    const state = (await create(string, before)).outputs;
    const request = { state, inputs: { length: 4 }, preview: false };
    const updated = await string.update(request, operation());
    assert.equal(updated["result"], state["result"]);
    assert.equal(updated["overrideSpecial"], undefined);
  });
});

describe("checks of random resources", () => {
  function reasons(resource: Resource, inputs: PropertyMap) {
    return resource.check(inputs, "it").failures.map(({ reason }) => reason);
  }

  it("ask for a length that holds the minimums", () => {
    assert.deepEqual(reasons(string, { length: 0 }), [
      "Invalid Attribute Value. Attribute length value must be at least 1, got: 0. " +
        "Examine values at 'it.length'.",
    ]);
    const sum = reasons(password, { length: 3, minUpper: 2, minLower: 2 });
    assert.match(sum[0] ?? "", /at least sum of min_upper \+ min_lower \+ min_numeric \+ min_s/);
    assert.deepEqual(reasons(password, { length: new Computed(), minUpper: 9 }), []);
    assert.deepEqual(reasons(password, {}), ["missing required property length"]);
  });

  it("ask for one class of characters, and for one word about digits", () => {
    const none = { length: 4, upper: false, lower: false, special: false, numeric: false };
    assert.match(
      reasons(string, none)[0] ?? "",
      /At least one attribute out of \[special,upper,lower,numeric\] must be specified as true/,
    );
    assert.deepEqual(reasons(string, { length: 4, numeric: false }), []);
    assert.match(
      reasons(string, { length: 4, numeric: false, number: true })[0] ?? "",
      /^Number and numeric are both configured with different values/,
    );
  });

  it("refuse what is not in the table", () => {
    assert.match(
      reasons(string, { length: 4, emoji: true })[0] ?? "",
      /^the stand-in for random does not serve property emoji of random:index\/randomString/,
    );
    assert.match(reasons(id, { byteLength: -1 })[0] ?? "", /must not be negative/);
  });
});
