import assert from "node:assert/strict";
import { percentile } from "../../../load/run";

describe("load/run", () => {
  it("takes the nearest rank", () => {
    const numbers = Array.from({ length: 100 }, (_unused, index) => index + 1);
    assert.equal(percentile(numbers, 0.5), 50);
    assert.equal(percentile(numbers, 0.99), 99);
    assert.equal(percentile(numbers, 1), 100);
    assert.equal(percentile([7.26], 0.5), 7.3);
    assert.equal(percentile([], 0.99), 0);
  });
});
