import assert from "node:assert/strict";
import Fastify from "fastify";
import { Database } from "../../src/database";
import { accessCodeHash, demoAccessCode, Exams, examState, normaliseCode } from "../../src/exams";

/** Notes with which values it is asked, and has nothing. */
class NotedDatabase extends Database {
  readonly asked: (readonly unknown[])[] = [];

  constructor() {
    const url = "postgresql://nobody@127.0.0.1:1/none";
    super({ url, size: 1, retrySeconds: 0, log: Fastify().log });
  }

  override query(_text: string, values: readonly unknown[] = []): Promise<never[]> {
    this.asked.push(values);
    return Promise.resolve([]);
  }
}

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

  it("shows visitors what a standby says, and students what the primary says", async () => {
    const [primary, standby] = [new NotedDatabase(), new NotedDatabase()];
    const exams = new Exams(primary, standby);
    await exams.published();
    assert.deepEqual([primary.asked, standby.asked], [[], [[null]]]);
    await exams.list(7);
    await exams.find(1);
    assert.deepEqual([primary.asked, standby.asked], [[[7], [1]], [[null]]]);
  });

  it("asks the primary for everything where there is no standby", async () => {
    const primary = new NotedDatabase();
    await new Exams(primary).published();
    assert.deepEqual(primary.asked, [[null]]);
  });
});
