import assert from "node:assert/strict";
import { goErrno, goQuote, joinHostPort } from "../../../plugins/lib/go.js";

describe("Go's way to format", () => {
  it("quotes text with its escapes", () => {
    assert.equal(goQuote('a "b"\\\n\t'), '"a \\"b\\"\\\\\\n\\t"');
    assert.equal(goQuote("é ✓ 🙂"), '"é ✓ 🙂"');
    assert.equal(goQuote("\x1b\x7f\u00a0\u200b\u{e0001}"), '"\\x1b\\x7f\\u00a0\\u200b\\U000e0001"');
  });

  it("names system errors", () => {
    assert.equal(
      goErrno(Object.assign(new Error("x"), { code: "ENOENT" })),
      "no such file or directory",
    );
    assert.equal(goErrno(new Error("x")), "x");
  });

  it("puts brackets around IPv6 addresses", () => {
    assert.equal(joinHostPort("::1", 22), "[::1]:22");
    assert.equal(joinHostPort("h", 22), "h:22");
  });
});
