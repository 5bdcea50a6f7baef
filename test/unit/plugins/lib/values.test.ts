import assert from "node:assert/strict";
import { Computed, deepEquals, Secret, Special, type Value } from "../../../plugins/lib/values.js";

describe("equality of values", () => {
  const asset = (fields: Record<string, unknown>) => new Special("s", fields);
  const same: [Value, Value][] = [
    [{ a: [1, { b: null }] }, { a: [1, {}] }],
    [new Secret("x"), new Secret("x")],
    [new Computed(), new Computed()],
    [asset({ hash: "h", path: "a" }), asset({ hash: "h", text: "b" })],
    [asset({ path: "a", x: { b: 1, a: 2 } }), asset({ x: { a: 2, b: 1 }, path: "a" })],
  ];
  const different: [Value, Value][] = [
    ["1", 1],
    [null, ""],
    [new Secret("x"), "x"],
    [new Secret("x"), new Secret("y")],
    [new Computed(), "x"],
    [[1], [1, 2]],
    [{}, []],
    [asset({ hash: "h" }), asset({ hash: "i" })],
    [asset({ hash: "h" }), "h"],
    [asset({ path: "a" }), new Special("t", { path: "a" })],
  ];

  for (const [a, b] of same) {
    it(`holds for ${JSON.stringify(a)} and ${JSON.stringify(b)}`, () => {
      assert.ok(deepEquals(a, b) && deepEquals(b, a));
    });
  }
  for (const [a, b] of different) {
    it(`does not hold for ${JSON.stringify(a)} and ${JSON.stringify(b)}`, () => {
      assert.ok(!deepEquals(a, b) && !deepEquals(b, a));
    });
  }
});
