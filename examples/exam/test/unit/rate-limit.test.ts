import assert from "node:assert/strict";
import { slidingCount, windowAt } from "../../src/rate-limit";

describe("rate-limit", () => {
  it("counts the previous minute by the share that is still within the last minute", () => {
    assert.equal(slidingCount(100, 0, 0), 100);
    assert.equal(slidingCount(100, 10, 0.25), 85);
    assert.equal(slidingCount(100, 10, 1), 10);
  });

  it("finds the window of a moment", () => {
    assert.deepEqual(windowAt(0), { index: 0, elapsed: 0 });
    assert.deepEqual(windowAt(90_000), { index: 1, elapsed: 0.5 });
  });
});
