import assert from "node:assert/strict";
import { parseProcessorTime, stolenPercent } from "../../../../scripts/drills/stolen-time";

const STAT = `cpu  100 20 30 400 5 0 15 30 7 0
cpu0 50 10 15 200 2 0 7 15 3 0
intr 12345
`;

describe("the time that others on the same hardware had", () => {
  it("is the eighth figure of all processors; what guests took is not counted twice", () => {
    assert.deepEqual(parseProcessorTime(STAT), { all: 600, stolen: 30 });
  });

  it("is not known where the kernel does not count it", () => {
    assert.equal(parseProcessorTime("cpu 100 20 30 400 5 0 15\n"), undefined);
    assert.equal(parseProcessorTime("cpu 100 20 30 400 5 0 15 many\n"), undefined);
    assert.equal(parseProcessorTime("intr 1 2 3 4 5 6 7 8 9\n"), undefined);
    assert.equal(parseProcessorTime(""), undefined);
  });

  it("is a share of what passed between two moments", () => {
    assert.equal(stolenPercent({ all: 600, stolen: 30 }, { all: 800, stolen: 80 }), 25);
    assert.equal(stolenPercent({ all: 600, stolen: 30 }, { all: 600, stolen: 30 }), 0);
  });
});
