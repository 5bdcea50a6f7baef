import assert from "node:assert/strict";
import { scriptOf, StandIns } from "../support/stand-ins";

/** The member of `$FOLDER/primary` leads, from the third question on. */
const CURL = `
echo asked >> "$FOLDER/asked"
[ "$(wc -l < "$FOLDER/asked")" -ge 3 ] && [ "\${!#}" = "http://$(cat "$FOLDER/primary")/primary" ]
`;
const DOCKER = `
case "$1" in
  ps) echo c1 ;;
  exec) echo "$*" >> "$FOLDER/run"; cat >> "$FOLDER/told" ;;
esac
`;
const MEMBERS = ["10.0.0.1:8008", "10.0.0.2:8008", "10.0.0.3:8008"];

describe("roles.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({ curl: CURL, docker: DOCKER, sleep: "", hostname: "echo vm1" });
    machine.put("primary", "10.0.0.2:8008");
  });
  afterEach(() => {
    machine.remove();
  });

  function run(limit: string) {
    const args = ["postgres-vm1", "app", "shop", limit, ...MEMBERS];
    const script = scriptOf("database", "primary.sh", "roles.sh");
    return machine.run(script, args, "superuser\nown\n");
  }

  it("tells the primary alone, once there is one", () => {
    assert.deepEqual(run("60"), { status: 0, stdout: "", stderr: "" });
    const [words = "", ...more] = machine.lines("run");
    assert.deepEqual(more, []);
    assert.match(
      words,
      / c1 psql .*--set role=app --set database=shop host=10\.0\.0\.2 port=5432 /,
    );
    assert.doesNotMatch(words, /own|10\.0\.0\.[13]/);
    assert.match(machine.lines("told").join("\n"), /ALTER ROLE :"role" LOGIN PASSWORD/);
  });

  it("says whom it asked when none leads in time", () => {
    machine.put("primary", "nobody");
    const { status, stderr } = run("0");
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^no Postgres primary within 0 s \(asked 10\.0\.0\.1:8008 10\.0\.0\.2:8008 /,
    );
    assert.deepEqual(machine.lines("run"), []);
  });
});
