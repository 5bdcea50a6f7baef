import assert from "node:assert/strict";
import { parsed, table } from "./fixture";

describe("configuration: allowed changes", () => {
  const must = "must be a list of changes that leave data behind: database.name, database.user";
  table([
    [{ allow: ["database.nmae"] }, `allow[0]: is "database.nmae", ${must}`],
    [{ allow: "database.name" }, `allow: is "database.name", ${must}`],
    [
      { "database.router": { maxConnections: 99 } },
      "database.router.maxConnections: is 99, must be a whole number from 100 to 100000",
    ],
  ]);

  it("are none by default", () => {
    assert.deepEqual(parsed().allow, []);
    assert.deepEqual(parsed({ allow: ["database.name"] }).allow, ["database.name"]);
  });
});
