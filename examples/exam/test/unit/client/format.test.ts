import assert from "node:assert/strict";
import { formatRemaining } from "../../../src/client/format";

describe("client/format", () => {
  it("shows seconds as a clock", () => {
    assert.equal(formatRemaining(0), "00:00");
    assert.equal(formatRemaining(61), "01:01");
    assert.equal(formatRemaining(3_599), "59:59");
    assert.equal(formatRemaining(36_000), "10:00:00");
  });
});
