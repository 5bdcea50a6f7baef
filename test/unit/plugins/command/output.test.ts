import assert from "node:assert/strict";
import { type LineTooLongError, OutputCollector } from "../../../plugins/command/output.js";
import { parseLogging } from "../../../plugins/command/output.js";
import { RecordedLog } from "../support/resource.js";

describe("a command's output", () => {
  function collector(logging?: string) {
    const log = new RecordedLog();
    const errors: LineTooLongError[] = [];
    const output = new OutputCollector(parseLogging(logging), log, (error) => errors.push(error));
    return { log, errors, output };
  }

  it("is one text per stream without the last line end, and one of both", () => {
    const { output } = collector();
    output.add("stdout", Buffer.from("a\n\n"));
    output.add("stderr", Buffer.from("b"));
    output.add("stdout", Buffer.from("c\n"));
    output.finish();
    assert.equal(output.text("stdout"), "a\n\nc");
    assert.equal(output.text("stderr"), "b");
    assert.equal(output.combined(), "a\n\nbc\n");
  });

  it("keeps a character that comes in two parts", () => {
    const { output, log } = collector();
    const bytes = Buffer.from("é\n");
    output.add("stdout", bytes.subarray(0, 1));
    output.add("stdout", bytes.subarray(1));
    assert.equal(output.text("stdout"), "é");
    assert.deepEqual(log.statuses, ["é"]);
  });

  it("is logged by whole lines, the last at the end", () => {
    const { output, log } = collector();
    output.add("stdout", Buffer.from("on"));
    assert.deepEqual(log.statuses, []);
    output.add("stdout", Buffer.from("e\r\n\ntwo"));
    assert.deepEqual(log.statuses, ["one", ""]);
    output.finish();
    assert.deepEqual(log.statuses, ["one", "", "two"]);
  });

  it("may have lines up to 65535 bytes while it is logged, and any without", () => {
    const line = (length: number, logging?: string) => {
      const { output, errors } = collector(logging);
      output.add("stdout", Buffer.from(`${"x".repeat(length)}\n`));
      return errors.length;
    };
    assert.equal(line(65_535), 0);
    assert.equal(line(65_536), 1);
    assert.equal(line(65_536, "none"), 0);
    assert.equal(line(65_536, "stderr"), 0);
  });

  it("takes an unknown logging text for none", () => {
    assert.deepEqual(parseLogging("all"), { stdout: false, stderr: false });
  });
});
