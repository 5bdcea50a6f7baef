import assert from "node:assert/strict";
import { migrate, readMigrations } from "../../src/migrate";
import { makeScratch, MIGRATIONS, type Scratch, silent } from "./world";

describe("the migration command with Postgres", () => {
  const known = readMigrations(MIGRATIONS);
  let scratch: Scratch;

  before(async function () {
    const made = await makeScratch();
    if (made === null) this.skip();
    scratch = made;
  });
  after(async () => {
    await (scratch as Scratch | undefined)?.drop();
  });

  it("applies each file once when several replicas start together", async () => {
    const runs = await Promise.all(
      Array.from({ length: 4 }, () => migrate(scratch.url, known, 5, silent)),
    );
    assert.deepEqual(
      runs.flat().sort(),
      known.map((migration) => migration.name),
    );
    assert.deepEqual(await migrate(scratch.url, known, 5, silent), []);
  });

  it("leaves nothing of a file that fails", async () => {
    const broken = { name: "900_broken.sql", sql: "CREATE TABLE x (); SELECT 1/0", checksum: "1" };
    await assert.rejects(migrate(scratch.url, [...known, broken], 5, silent), /division by zero/);
    const repaired = { ...broken, sql: "CREATE TABLE x ()", checksum: "2" };
    assert.deepEqual(await migrate(scratch.url, [...known, repaired], 5, silent), [broken.name]);
  });

  it("refuses a file that was changed after it had been applied", async () => {
    const changed = known.map((migration) => ({ ...migration, checksum: "other" }));
    await assert.rejects(migrate(scratch.url, changed, 5, silent), /put the change into a new/);
  });

  it("waits for a database that is not there, and then gives up", async () => {
    const started = Date.now();
    await assert.rejects(migrate("postgres://x@127.0.0.1:1/x", known, 1, silent), /ECONNREFUSED/);
    assert.ok(Date.now() - started < 3_000);
  });
});
