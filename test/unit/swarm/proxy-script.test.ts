import assert from "node:assert/strict";
import { scriptOf, StandIns } from "../support/stand-ins";

/** Notes what it is told, and tells its parent, once that listens to signals, what `$FOLDER/signals` says. */
const HAPROXY = `
echo "$*" >> "$FOLDER/started"
for name in USR1 USR2 TERM; do trap "told $name" "$name"; done
told() {
  echo "$1" >> "$FOLDER/told"
  if grep -qx "$1" "$FOLDER/ends-on"; then exit "$(cat "$FOLDER/status")"; fi
}
listens() { (((16#$(awk '/^SigCgt/ { print $2 }' "/proc/$PPID/status") & 0x4a00) == 0x4a00)); }
until listens; do sleep 0.05; done
heard() { cat "$FOLDER/told" 2> /dev/null | wc -l; }
for name in $(cat "$FOLDER/signals"); do
  before=$(heard)
  kill -s "$name" "$PPID"
  until (($(heard) > before)); do sleep 0.05; done
done
for ((i = 0; i < 200; i++)); do sleep 0.05; done
`;

describe("proxy.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({ haproxy: HAPROXY });
    machine.put("status", "0");
  });
  afterEach(() => {
    machine.remove();
  });
  /** With what its parent is told, and the signals at which HAProxy ends. */
  const run = (signals: string, endsOn: string, seconds: string) => {
    machine.put("signals", signals);
    machine.put("ends-on", endsOn);
    const started = Date.now();
    const env = { CONFIG: "/folder" };
    const { status, stderr } = machine.bash(
      ["-s", "--", seconds],
      scriptOf("swarm", "child.sh", "proxy.sh"),
      env,
    );
    assert.equal(stderr, "");
    assert.deepEqual(machine.lines("started"), ["-W -db -f /folder/haproxy.cfg"]);
    return { status, told: machine.lines("told"), took: Date.now() - started };
  };

  for (const signal of ["USR1", "TERM"]) {
    it(`lets HAProxy end by itself when it is told ${signal}`, () => {
      machine.put("status", "3");
      const { status, told, took } = run(signal, "USR1", "60");
      assert.deepEqual([status, told], [3, ["USR1"]]);
      assert.ok(took < 14_000, "it waited for the connections of a proxy that had ended");
    });
  }

  it("ends it where connections go on after their time", () => {
    const { status, told, took } = run("USR1", "TERM", "1");
    assert.deepEqual([status, told], [0, ["USR1", "TERM"]]);
    assert.ok(took >= 1000, `${took} ms`);
  });

  it("passes each reload on, and goes on", () => {
    const { told } = run("USR2 USR2 USR1", "USR1", "60");
    assert.deepEqual(told, ["USR2", "USR2", "USR1"]);
  });

  it("ends as HAProxy ended", () => {
    machine.put("status", "7");
    const { status } = run("USR2", "USR2", "60");
    assert.equal(status, 7);
  });
});
