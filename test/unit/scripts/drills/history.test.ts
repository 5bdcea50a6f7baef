import assert from "node:assert/strict";
import {
  inventedRows,
  longestWriteGap,
  lostRows,
  staleRows,
  type Writes,
} from "../../../../scripts/drills/history";

/** Rows 1, 2, …: when each was sent, when it was answered, on which timeline. */
function writes(writer: string, ...rows: [sentAt: number, at: number, timeline: number][]): Writes {
  const acknowledged = new Map(
    rows.map(([sentAt, at, timeline], i) => [i + 1, { sentAt, at, timeline }]),
  );
  return {
    writer,
    acknowledged,
    indeterminate: new Set(),
    errors: {},
    startedAt: 0,
    endedAt: 10_000,
  };
}

describe("the check of what was written", () => {
  const good = writes("a", [0, 10, 1], [20, 30, 1], [40, 50, 2]);

  it("finds an acknowledged row that is not there", () => {
    assert.deepEqual(lostRows(good, new Set([1, 2, 3])), []);
    assert.deepEqual(lostRows(good, new Set([1, 3])), [2]);
  });

  it("counts a row whose fate is unknown neither as lost nor as invented", () => {
    const unknown = { ...good, indeterminate: new Set([4]) };
    for (const found of [new Set([1, 2, 3]), new Set([1, 2, 3, 4])]) {
      assert.deepEqual(lostRows(unknown, found), []);
      assert.deepEqual(inventedRows(unknown, found), []);
    }
  });

  it("finds a row that nobody sent", () => {
    assert.deepEqual(inventedRows(good, new Set([1, 2, 3, 9])), [9]);
  });

  it("accepts a failover, and answers that cross on the way", () => {
    const other = writes("b", [15, 60, 1], [61, 70, 2]);
    assert.deepEqual(staleRows([good, other]), []);
  });

  it("finds a former primary that still acknowledges", () => {
    const deposed = writes("b", [0, 10, 1], [51, 55, 1], [60, 65, 1]);
    assert.deepEqual(staleRows([good, deposed]), [
      { writer: "b", n: 2 },
      { writer: "b", n: 3 },
    ]);
  });

  it("accepts a primary that comes back on a newer timeline", () => {
    assert.deepEqual(staleRows([good, writes("b", [60, 65, 3])]), []);
  });

  it("measures the longest time without an answer, ends included", () => {
    assert.equal(longestWriteGap(good).seconds, 9.95);
    assert.equal(longestWriteGap({ ...good, endedAt: 60 }).seconds, 0.02);
    assert.deepEqual(longestWriteGap({ ...writes("c"), endedAt: 3000 }), {
      writer: "c",
      from: 0,
      seconds: 3,
    });
  });
});
