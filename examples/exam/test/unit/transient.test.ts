import assert from "node:assert/strict";
import { isTransient, retryTransient } from "../../src/transient";

const coded = (code: string): Error => Object.assign(new Error("failed"), { code });

describe("transient", () => {
  it("knows what passes by itself", () => {
    const passing = ["ECONNREFUSED", "ECONNRESET", "08006", "08P01", "57P01", "57P03", "25006"];
    for (const code of passing) assert.ok(isTransient(coded(code)), code);
    assert.ok(isTransient(new Error("Connection terminated unexpectedly")));
    assert.ok(isTransient(new Error("READONLY You can't write against a read only replica.")));
    assert.ok(isTransient(new AggregateError([coded("ECONNREFUSED")])));
  });

  it("knows what does not", () => {
    for (const code of ["42P01", "23505", "28P01", "EACCES"]) {
      assert.ok(!isTransient(coded(code)), code);
    }
    assert.ok(!isTransient("text"));
    assert.ok(!isTransient(new Error("something else")));
  });

  it("tries again until it works", async () => {
    let attempts = 0;
    const result = await retryTransient(() => {
      attempts += 1;
      return attempts < 3 ? Promise.reject(coded("57P01")) : Promise.resolve("done");
    }, 5);
    assert.equal(result, "done");
    assert.equal(attempts, 3);
  });

  it("does not try again what fails for good, or without time", async () => {
    let attempts = 0;
    const fail = (code: string) => (): Promise<never> => {
      attempts += 1;
      return Promise.reject(coded(code));
    };
    await assert.rejects(retryTransient(fail("23505"), 5));
    await assert.rejects(retryTransient(fail("57P01"), 0));
    assert.equal(attempts, 2);
  });
});
