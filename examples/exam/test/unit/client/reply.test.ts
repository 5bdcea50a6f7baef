import assert from "node:assert/strict";
import { readReply } from "../../../src/client/reply";

const refusal = (code: string, more = {}) => ({ error: { code, message: "because", ...more } });

describe("client/reply", () => {
  it("believes only a reply that says when it was saved", () => {
    assert.deepEqual(readReply(200, { savedAt: "now" }), { kind: "saved", savedAt: "now" });
    // Such as the login page of a hotel's network.
    assert.deepEqual(readReply(200, undefined), { kind: "retry" });
  });

  it("tries again what may pass", () => {
    for (const status of [0, 429, 500, 502, 503, 504]) {
      assert.deepEqual(readReply(status, refusal("unavailable")), { kind: "retry" });
    }
    assert.deepEqual(readReply(404, undefined), { kind: "retry" });
  });

  it("takes the application's own refusal as final", () => {
    assert.deepEqual(readReply(409, refusal("closed")), { kind: "refused", message: "because" });
    assert.deepEqual(readReply(409, refusal("stale", { current: 3 })), {
      kind: "stale",
      current: 3,
    });
    assert.deepEqual(readReply(401, refusal("signed_out")), { kind: "signed-out" });
  });
});
