import assert from "node:assert/strict";
import { equalTexts, signToken, verifyToken } from "../../src/sessions";

describe("sessions", () => {
  it("reads back what it signed", () => {
    assert.equal(verifyToken(signToken("token", "key"), "key"), "token");
  });

  it("refuses what it did not sign", () => {
    const cookie = signToken("token", "key");
    for (const forged of ["", "token", "token.", `x${cookie}`, `${cookie}.x`, `${cookie}x`]) {
      assert.equal(verifyToken(forged, "key"), null, forged);
    }
    assert.equal(verifyToken(cookie, "another key"), null);
  });

  it("compares texts of any length", () => {
    assert.ok(equalTexts("same", "same"));
    assert.ok(!equalTexts("same", "same but longer"));
  });
});
