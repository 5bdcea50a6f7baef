import assert from "node:assert/strict";
import { clientMessage } from "../../src/countdown";

const opensAt = "2030-01-01T10:00:00.000Z";
const closesAt = "2030-01-01T11:00:00.000Z";
const now = Date.parse("2030-01-01T10:59:30.500Z");

describe("countdown", () => {
  it("tells what is left, rounded up", () => {
    assert.deepEqual(JSON.parse(clientMessage("tick", now, { id: 3, opensAt, closesAt })), {
      type: "tick",
      now,
      examId: 3,
      state: "open",
      closesAt,
      remainingSeconds: 30,
    });
  });

  it("tells that nothing is left, never less", () => {
    const message = clientMessage("changed", now + 60_000, { id: 3, opensAt, closesAt });
    assert.match(message, /"state":"closed".*"remainingSeconds":0/);
  });

  it("tells that there is no end", () => {
    const message = clientMessage("tick", now, { id: 3, opensAt, closesAt: null });
    assert.match(message, /"state":"open".*"remainingSeconds":null/);
  });
});
