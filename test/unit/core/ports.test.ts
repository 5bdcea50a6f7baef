import assert from "node:assert/strict";
import { APPLICATION_PORTS, PORTS } from "../../../components/core/ports";

describe("ports", () => {
  it("are given to one part each", () => {
    assert.equal(new Set(Object.values(PORTS)).size, Object.values(PORTS).length);
  });

  it("let containers reach the data services and nothing that rules the cluster", () => {
    assert.deepEqual([...APPLICATION_PORTS], [5000, 5001, 6432, 6380]);
  });
});
