import assert from "node:assert/strict";
import { csvLine } from "../../src/csv";

describe("csv", () => {
  it("quotes what needs quotes", () => {
    assert.equal(csvLine(["a", 'say "hi"', "x,y", "1\n2"]), 'a,"say ""hi""","x,y","1\n2"\r\n');
  });

  it("keeps spreadsheets from running an answer as a formula", () => {
    assert.equal(csvLine(["=1+1", "-2", "@x", "+3"]), "'=1+1,'-2,'@x,'+3\r\n");
  });
});
