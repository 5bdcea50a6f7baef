import assert from "node:assert/strict";
import { nearest, pathText, problemAt, valueAt } from "../../../../stacks/config/problems";

describe("configuration: problems", () => {
  it("writes paths as Pulumi's --path takes them", () => {
    assert.equal(
      pathText(["services", "web", "routes", 0, "host"]),
      "trivet:services.web.routes[0].host",
    );
    assert.equal(pathText(["services", 'a"b', "x"]), 'trivet:services["a\\"b"].x');
    assert.equal(pathText([]), "trivet:");
  });

  it("shortens what is long", () => {
    const long = "x".repeat(200);
    const expected = `trivet:cloud: is "${"x".repeat(80)}…", must be short`;
    assert.equal(problemAt({ cloud: long }, ["cloud"], "must be short"), expected);
    assert.equal(pathText([long]), `trivet:["${"x".repeat(80)}…"]`);
  });

  it("finds only values that are there", () => {
    assert.equal(valueAt({ a: [{ b: 1 }] }, ["a", 0, "b"]), 1);
    assert.equal(valueAt({ a: 1 }, ["a", "b"]), undefined);
    assert.equal(valueAt({}, ["constructor"]), undefined);
  });

  it("knows the nearest word, and when none is near", () => {
    assert.equal(nearest("adress", ["address", "port"]), "address");
    assert.equal(nearest("HOSTKEY", ["hostKey"]), "hostKey");
    assert.equal(nearest("zone", ["address", "port"]), undefined);
    assert.equal(nearest("x".repeat(1_000_000), ["address"]), undefined);
  });
});
