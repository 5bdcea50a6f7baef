import assert from "node:assert/strict";
import { scriptOf, StandIns } from "../support/stand-ins";

/** Postgres answers from the third question on; what it is told is noted. */
const DOCKER = `
case "$1" in
  ps) cat "$FOLDER/containers" ;;
  exec)
    case "$*" in
      *pg_is_in_recovery*)
        echo asked >> "$FOLDER/asked"
        if [ "$(wc -l < "$FOLDER/asked")" -lt 3 ]; then echo "no such socket" >&2; exit 2; fi
        cat "$FOLDER/standby" ;;
      *) cat >> "$FOLDER/told" ;;
    esac ;;
esac
`;

describe("passwords.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({ docker: DOCKER, sleep: "" });
    machine.put("containers", "c1\nc2\n");
  });
  afterEach(() => {
    machine.remove();
  });

  function run(standby: string, limit = "60") {
    machine.put("standby", `${standby}\n`);
    const data = "one\ntwo\nthree\n";
    return machine.run(scriptOf("database", "passwords.sh"), ["postgres-vm2", limit], data);
  }

  it("waits for Postgres, and tells a primary", () => {
    assert.deepEqual(run("f"), { status: 0, stdout: "", stderr: "" });
    assert.equal(machine.lines("asked").length, 3);
    assert.match(machine.lines("told").join("\n"), /ALTER ROLE/);
  });

  it("waits for a standby that is being cloned, and tells it nothing", () => {
    assert.deepEqual(run("t"), { status: 0, stdout: "", stderr: "" });
    assert.equal(machine.lines("asked").length, 3);
    assert.deepEqual(machine.lines("told"), []);
  });

  it("says what it waited for when the time is over", () => {
    const { status, stderr } = run("t", "0");
    assert.equal(status, 1);
    assert.match(stderr, /takes no connection within 0 s \(no such socket\): .*startSeconds/);
    machine.put("containers", "");
    assert.match(run("t", "0").stderr, /\(service postgres-vm2 has no running container\)/);
  });
});
