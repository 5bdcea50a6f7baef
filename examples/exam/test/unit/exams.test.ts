import assert from "node:assert/strict";
import { accessCodeHash, demoAccessCode, examState, normaliseCode } from "../../src/exams";

describe("exams", () => {
  it("knows when an exam is open", () => {
    const at = (milliseconds: number): Date => new Date(milliseconds);
    assert.equal(examState({ opensAt: null, closesAt: null }, 5), "upcoming");
    assert.equal(examState({ opensAt: at(10), closesAt: null }, 5), "upcoming");
    assert.equal(examState({ opensAt: at(5), closesAt: null }, 5), "open");
    assert.equal(examState({ opensAt: at(1), closesAt: at(6) }, 5), "open");
    assert.equal(examState({ opensAt: at(1), closesAt: at(5) }, 5), "closed");
  });

  it("takes codes as people type them", () => {
    assert.equal(normaliseCode(" 12ab-cd 34 "), "12ABCD34");
    assert.equal(accessCodeHash("s1", "12AB-CD34"), accessCodeHash("s1", "12abcd34"));
    assert.notEqual(accessCodeHash("s1", "12ABCD34"), accessCodeHash("s2", "12ABCD34"));
  });

  it("shows demo codes in two groups", () => {
    assert.match(demoAccessCode("s0001"), /^[0-9A-F]{4}-[0-9A-F]{4}$/);
  });
});
