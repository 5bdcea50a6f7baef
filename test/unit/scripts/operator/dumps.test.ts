import assert from "node:assert/strict";
import {
  dumpStatus,
  parseDumpNotes,
  renderDump,
  type DumpNotes,
} from "../../../../scripts/operator/dumps";

const NOW = new Date("2030-01-02T09:00:00Z");
const GOOD = `{"started":"2030-01-02T02:30:00Z","finished":"2030-01-02T02:31:00Z","file":"app-20300102T023000Z.dump","bytes":2048,"copied":null,"error":null}`;
const FAILED = `{"started":"2030-01-02T08:00:00Z","finished":"2030-01-02T08:00:01Z","file":null,"bytes":0,"copied":null,"error":"too little disk"}`;
const ON = "dump schedule on 2029-12-01T00:00:00Z";

const notes = (...lines: string[]): DumpNotes => parseDumpNotes("vm1", `41\n${lines.join("\n")}\n`);
const lines = (all: DumpNotes[], now = NOW) => renderDump(dumpStatus(all, now), now);

describe("the dump in trivet status", () => {
  it("shows the last good one", () => {
    assert.deepEqual(lines([notes(ON, `dump good.json ${GOOD}`, `dump last.json ${GOOD}`)]), [
      "last dump: 6 h ago, 2.0 KiB, app-20300102T023000Z.dump on vm1",
    ]);
  });

  it("shows a failure and the last good one", () => {
    assert.deepEqual(lines([notes(ON, `dump good.json ${GOOD}`, `dump last.json ${FAILED}`)]), [
      "last dump: 6 h ago, 2.0 KiB, app-20300102T023000Z.dump on vm1",
      "dumps: FAILED on vm1, 60 min ago: too little disk",
    ]);
  });

  it("takes the newest of several machines, after a failover", () => {
    const other = parseDumpNotes(
      "vm2",
      `${ON}\ndump last.json ${FAILED.replaceAll("-02T", "-01T")}`,
    );
    const { problem, lastGood } = dumpStatus(
      [other, notes(ON, `dump good.json ${GOOD}`, `dump last.json ${GOOD}`)],
      NOW,
    );
    assert.deepEqual([problem, lastGood?.machine], [null, "vm1"]);
  });

  it("misses a dump that never came, once there was a night for it", () => {
    const fresh = [notes("dump schedule on 2030-01-02T08:00:00Z")];
    assert.deepEqual(lines(fresh), ["last dump: none"]);
    const overdue =
      "OVERDUE: no good dump for 27 hours, see journalctl -u trivet-dump on the machines";
    const later = new Date("2030-01-03T11:30:00Z");
    assert.deepEqual(lines(fresh, later), ["last dump: none", `dumps: ${overdue}`]);
    assert.equal(
      dumpStatus([notes(ON, `dump good.json ${GOOD}`)], later).problem?.slice(0, 7),
      "OVERDUE",
    );
  });

  it("knows nothing where no machine answers", () => {
    assert.deepEqual(lines([]), ["last dump: none", "dumps: UNKNOWN: no core machine answers"]);
  });

  it("complains where none are set up, not where they are switched off", () => {
    assert.deepEqual(lines([notes()]), [
      "last dump: none",
      "dumps: none are set up: update the stack with pulumi up",
    ]);
    assert.deepEqual(lines([notes("dump schedule off", `dump last.json ${FAILED}`)]), [
      "last dump: none; nightly dumps are off",
    ]);
  });

  it("takes a note that cannot be read for a failure", () => {
    const { problem } = dumpStatus([notes(ON, `dump last.json {"started":`)], NOW);
    assert.match(problem ?? "", /the note of the last run cannot be read$/);
  });
});
