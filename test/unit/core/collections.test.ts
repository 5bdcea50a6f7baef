import assert from "node:assert/strict";
import { entryOf, firstOf, mapValues } from "../../../components/core/collections";
import { withDefaults } from "../../../components/core/defaults";

describe("collections and defaults", () => {
  it("gives the first, and complains of none", () => {
    assert.equal(firstOf([3, 2]), 3);
    assert.throws(() => firstOf([]), /an empty list got past its argument check/);
  });

  it("gives an entry, and complains of one that is not there", () => {
    assert.equal(entryOf({ a: 0 }, "a"), 0);
    assert.throws(() => entryOf({ a: 1 }, 'b"'), /there is no entry "b\\""/);
  });

  it("changes values and keeps keys", () => {
    assert.deepEqual(
      mapValues({ a: 1, b: 2 }, (value, key) => `${key}${value}`),
      { a: "a1", b: "b2" },
    );
  });

  it("fills what is left out, also by an explicit undefined", () => {
    const defaults = { a: 1, b: "x", c: false };
    assert.deepEqual(withDefaults(defaults), defaults);
    assert.deepEqual(withDefaults<{ a?: number | undefined }>({ a: 1 }, { a: undefined }), {
      a: 1,
    });
    assert.deepEqual(withDefaults(defaults, { a: 0, b: "", c: true }), { a: 0, b: "", c: true });
  });
});
