import assert from "node:assert/strict";
import fc from "fast-check";
import { idForms, randomText, type StringRules } from "../../../plugins/random/generate.js";
import { bcryptHash } from "../../../plugins/random/bcrypt.js";
import { compareSync } from "bcryptjs";

const ALL: StringRules = {
  ...{ length: 16, upper: true, lower: true, numeric: true, special: true, overrideSpecial: "" },
  ...{ minUpper: 0, minLower: 0, minNumeric: 0, minSpecial: 0 },
};

const CLASSES = [
  ["upper", "minUpper", /[A-Z]/g],
  ["lower", "minLower", /[a-z]/g],
  ["numeric", "minNumeric", /[0-9]/g],
  ["special", "minSpecial", /[!@#$%&*()\-_=+[\]{}<>:?]/g],
] as const;

describe("random text", () => {
  it("has the length, the minimums, and only characters of the classes that are on", () => {
    const minimum = fc.integer({ min: 0, max: 4 });
    const rules = fc.record({
      ...{ upper: fc.boolean(), lower: fc.boolean(), numeric: fc.boolean() },
      ...{ special: fc.boolean(), length: fc.integer({ min: 16, max: 60 }) },
      ...{ minUpper: minimum, minLower: minimum, minNumeric: minimum, minSpecial: minimum },
    });
    const any = rules.filter(({ upper, lower, numeric, special }) =>
      [upper, lower, numeric, special].includes(true),
    );
    fc.assert(
      fc.property(any, (given) => {
        const text = randomText({ ...ALL, ...given });
        assert.equal(text.length, given.length);
        for (const [on, min, pattern] of CLASSES) {
          const count = (text.match(pattern) ?? []).length;
          assert.ok(count >= given[min]);
          if (!given[on]) assert.equal(count, given[min]);
        }
      }),
    );
  });

  it("uses the given special characters, also beyond ASCII", () => {
    const only = { ...ALL, upper: false, lower: false, numeric: false };
    assert.match(randomText({ ...only, overrideSpecial: "é✓" }), /^[é✓]{16}$/u);
  });

  it("needs characters to choose from", () => {
    const none = { ...ALL, upper: false, lower: false, numeric: false, special: false };
    assert.throws(() => randomText(none), { message: "the character set specified is empty" });
  });

  it("spreads the characters of the minimums over all places", () => {
    const rules = { ...ALL, upper: false, special: false, numeric: false, minUpper: 1, length: 4 };
    const places = new Set(Array.from({ length: 200 }, () => randomText(rules).search(/[A-Z]/)));
    assert.deepEqual([...places].sort(), [0, 1, 2, 3]);
  });
});

describe("random ids", () => {
  it("have four forms, each after the prefix, and an id without it", () => {
    assert.deepEqual(idForms(Buffer.from([0, 0xfb, 0xff, 0x10]), "p-"), {
      id: "APv_EA",
      b64Url: "p-APv_EA",
      b64Std: "p-APv/EA==",
      hex: "p-00fbff10",
      dec: "p-16514832",
    });
  });
});

describe("the bcrypt hash", () => {
  it("verifies the text and is marked as Go marks it", () => {
    const hash = bcryptHash("secret");
    assert.match(hash, /^\$2a\$10\$/);
    assert.ok(compareSync("secret", hash));
    assert.ok(compareSync("x".repeat(72), bcryptHash("x".repeat(100))));
  }).slow(2000);
});
