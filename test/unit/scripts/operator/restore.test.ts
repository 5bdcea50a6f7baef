import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findDump } from "../../../../scripts/operator/restore";

const STORED = "app-20300102T023000Z.dump";

describe("trivet restore", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet restore "));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const on = (name: string) => ({
    machine: { name, role: "core", ssh: "ssh" },
    file: STORED,
  });
  const find = async (given: string, machines = ["vm1", "vm2"]) =>
    await findDump(given, folder, async () => await Promise.resolve(machines.map(on)), "vm2");

  it("takes a file here, by a path from where the operator stands", async () => {
    const path = join(folder, "of 'last' week.dump");
    writeFileSync(path, "PGDMP…");
    assert.deepEqual(await find("of 'last' week.dump"), { kind: "here", path });
    assert.deepEqual(await find(path), { kind: "here", path });
  });

  it("takes a dump on a machine by its name, the primary's first", async () => {
    assert.deepEqual(await find(STORED), { kind: "there", ...on("vm2") });
    assert.deepEqual(await find(STORED, ["vm1"]), { kind: "there", ...on("vm1") });
  });

  const nowhere = /is neither a file here nor a dump on a machine: \.\/scripts\/trivet dumps/;
  for (const given of ["", " ", "other.dump", "../app.dump", "C:\\dumps\\app.dump", "a$(id)"]) {
    it(`does not find ${JSON.stringify(given)}`, async () => {
      await assert.rejects(find(given), nowhere);
    });
  }

  it("refuses a folder, an empty file and one of another kind", async () => {
    await assert.rejects(find("."), /is no file$/);
    for (const text of ["", "PG", "SELECT 1;\n"]) {
      writeFileSync(join(folder, "x"), text);
      await assert.rejects(find("x"), /is no dump: it must come from pg_dump --format custom$/);
    }
  });
});
