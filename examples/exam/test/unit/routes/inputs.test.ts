import assert from "node:assert/strict";
import { answerBody, examParams, localPath, signInForm } from "../../../src/routes/inputs";

describe("routes/inputs", () => {
  it("sends people only to pages of this site", () => {
    for (const path of ["/", "/exams/1", "/exams/1?x=y#z"]) assert.equal(localPath(path), path);
    for (const path of ["//evil.example", "/\\evil", "https://evil.example", "", "/a b", "/a\nb"]) {
      assert.equal(localPath(path), "/", path);
    }
  });

  it("takes numbers of students in any case", () => {
    assert.equal(signInForm.parse({ number: " S0001 ", code: "x" }).number, "s0001");
  });

  it("refuses answers that cannot be stored", () => {
    const good = { questionId: 1, sequence: 1, value: "" };
    assert.ok(answerBody.safeParse(good).success);
    for (const bad of [
      { ...good, sequence: 0 },
      { ...good, sequence: 1.5 },
      { ...good, sequence: 2 ** 31 },
      { ...good, value: "a\0b" },
      { ...good, value: "x".repeat(20_001) },
      { ...good, questionId: "drop" },
      null,
    ]) {
      assert.ok(!answerBody.safeParse(bad).success, JSON.stringify(bad).slice(0, 80));
    }
  });

  it("refuses addresses that are no exam", () => {
    for (const id of ["0", "-1", "1.5", "x", "99999999999"]) {
      assert.ok(!examParams.safeParse({ id }).success, id);
    }
  });
});
