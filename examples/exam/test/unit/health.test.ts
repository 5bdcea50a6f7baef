import assert from "node:assert/strict";
import { Health } from "../../src/health";

const timing = { keepMs: 40, timeoutMs: 20 };

describe("health", () => {
  it("is fine when every dependency answers", async () => {
    const health = new Health({ database: () => Promise.resolve() }, timing);
    const report = await health.report(false);
    assert.equal(report.status, "ok");
    assert.equal(report.checks["database"]?.ok, true);
  });

  it("names the dependency that fails, without its message", async () => {
    const refused = Object.assign(new Error("connect to secret-host"), { code: "ECONNREFUSED" });
    const probes = { cache: () => Promise.reject(refused), database: () => Promise.resolve() };
    const report = await new Health(probes, timing).report(false);
    assert.equal(report.status, "unavailable");
    assert.equal(report.checks["cache"]?.error, "ECONNREFUSED");
    assert.equal(report.checks["database"]?.ok, true);
  });

  it("does not wait for a dependency that is silent", async () => {
    const report = await new Health({ cache: () => new Promise(() => undefined) }, timing).report(
      false,
    );
    assert.equal(report.checks["cache"]?.error, "no answer in time");
  });

  it("asks once for many probes, and again later", async () => {
    let asked = 0;
    const probe = (): Promise<void> => {
      asked += 1;
      return Promise.resolve();
    };
    const health = new Health({ database: probe }, timing);
    await Promise.all(Array.from({ length: 20 }, () => health.report(false)));
    assert.equal(asked, 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await health.report(false);
    assert.equal(asked, 2);
  });

  it("says that it is draining, whatever the dependencies say", async () => {
    const health = new Health({ database: () => Promise.resolve() }, timing);
    assert.equal((await health.report(true)).status, "draining");
  });
});
