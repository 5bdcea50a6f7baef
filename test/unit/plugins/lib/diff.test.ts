import assert from "node:assert/strict";
import { diffMaps, formatPath, rootOf } from "../../../plugins/lib/diff.js";
import { type PropertyMap, Secret } from "../../../plugins/lib/values.js";

describe("differences of property maps", () => {
  const diff = (olds: PropertyMap, news: PropertyMap) => Object.fromEntries(diffMaps(olds, news));

  it("name each path that was added, deleted or updated", () => {
    const olds = { a: 1, b: { c: 1, d: 2 }, list: [1, 2, { x: 1 }], gone: "x" };
    const news = { a: 2, b: { c: 1, e: 3 }, list: [1, 3, { x: 2 }, 4], new: "y" };
    assert.deepEqual(diff(olds, news), {
      a: "update",
      "b.d": "delete",
      "b.e": "add",
      "list[1]": "update",
      "list[2].x": "update",
      "list[3]": "add",
      gone: "delete",
      new: "add",
    });
  });

  it("do not look into secrets, nor across types", () => {
    const secret = (a: number) => new Secret({ a });
    assert.deepEqual(diff({ s: secret(1), t: [1] }, { s: secret(2), t: { a: 1 } }), {
      s: "update",
      t: "update",
    });
  });

  it("take null for absent", () => {
    assert.deepEqual(diff({ a: null, b: 1 }, { b: null, c: null }), { b: "delete" });
  });

  it("have paths in the engine's notation", () => {
    assert.equal(formatPath(["a", 0, "b c", 'd"e', "f"]), 'a[0]["b c"]["d\\"e"].f');
    assert.equal(formatPath(["x.y", "z"]), '["x.y"].z');
    assert.equal(rootOf("a[0].b"), "a");
    assert.equal(rootOf("a.b"), "a");
    assert.equal(rootOf('["x.y"].z'), "x.y");
  });
});
