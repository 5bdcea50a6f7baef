import assert from "node:assert/strict";
import { brokenBounds, failedBut, judge, type Bounds } from "../../../../scripts/drills/drill";
import type { Observed } from "../../../../scripts/drills/load";

const SEEN: Observed = {
  writeGapSeconds: 1,
  writeGap: "w from 2026-01-01T00:00:00.000Z",
  httpGapSeconds: 1,
  longestRequestSeconds: 1,
  requests: 100,
  failedRequests: 0,
  failures: {},
  failedBy: {},
  acknowledgedRows: 100,
  indeterminateRows: 0,
  lostRows: 0,
  staleRows: 0,
  inventedRows: 0,
  writeErrors: {},
  stolenPercent: 0,
  worstStolenPercent: 0,
};
const BOUNDS: Bounds = {
  boundSeconds: 2,
  httpBoundSeconds: 3,
  failedRequestsBound: 0,
  failedWritesBound: 0,
  limits: { rescheduledAfterSeconds: 60 },
};
const DETAILS = { rescheduledAfterSeconds: 20 };
const broken = (seen: Partial<Observed>, details: Record<string, number> = DETAILS) =>
  brokenBounds(BOUNDS, { ...SEEN, ...seen }, details);

describe("the judgement of a drill", () => {
  it("accepts what keeps to every bound", () => {
    assert.deepEqual(broken({ writeGapSeconds: 2, httpGapSeconds: 3 }), []);
  });

  it("names each bound that was not kept", () => {
    assert.deepEqual(broken({ writeGapSeconds: 2.5 }), ["writeGapSeconds 2.5, at most 2"]);
    assert.deepEqual(broken({ httpGapSeconds: 3.5 }), ["httpGapSeconds 3.5, at most 3"]);
    assert.deepEqual(broken({ failedRequests: 1 }), ["failedRequests 1, at most 0"]);
    assert.deepEqual(broken({ writeErrors: { a: 1, b: 2 } }), ["failedWrites 3, at most 0"]);
    assert.deepEqual(broken({ lostRows: 1 }), ["lostRows 1, at most 0"]);
    assert.deepEqual(broken({ staleRows: 1 }), ["staleRows 1, at most 0"]);
    assert.deepEqual(broken({ inventedRows: 1 }), ["inventedRows 1, at most 0"]);
  });

  it("counts what failed on other machines than the one whose users may notice", () => {
    const failedBy = { vm1: 68, vm2: 2, vm3: 1 };
    assert.equal(failedBut("vm1", { ...SEEN, failedBy }), 3);
    assert.equal(failedBut("vm1", SEEN), 0);
  });

  it("does not pass for a figure that is missing or not a number", () => {
    assert.deepEqual(broken({}, {}), ["rescheduledAfterSeconds NaN, at most 60"]);
    assert.deepEqual(broken({ writeGapSeconds: Number.NaN }), ["writeGapSeconds NaN, at most 2"]);
    assert.deepEqual(broken({ acknowledgedRows: 0 }), ["nothing was written"]);
    assert.deepEqual(broken({ requests: 0 }), ["nothing was asked"]);
  });

  it("does not pass where the platform did not come back, and says so beside the figures", () => {
    const seen = { observed: SEEN, details: DETAILS, redundantAfterSeconds: Number.NaN };
    const { ok, broken: said, lostRows } = judge("vm-loss", BOUNDS, 1, seen, "vm3 is starting");
    assert.deepEqual({ ok, said, lostRows }, { ok: false, said: ["vm3 is starting"], lostRows: 0 });
    assert.equal(judge("vm-loss", BOUNDS, 1, seen).ok, true);
  });
});
