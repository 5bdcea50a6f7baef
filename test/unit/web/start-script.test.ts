import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { scriptOf, StandIns } from "../support/stand-ins";

/** Notes what it is told and whether it is leaving then, and tells its parent, once that listens, `$FOLDER/signals`. */
const NGINX = `
echo "$*" >> "$FOLDER/started"
[ -e "$LEAVING" ] && echo "leaving" >> "$FOLDER/started"
told() { echo "$1 $([ -e "$LEAVING" ] && echo leaving)" >> "$FOLDER/told"; if [ "$1" = QUIT ]; then exit 0; fi; }
for name in HUP QUIT TERM; do trap "told $name" "$name"; done
listens() { (((16#$(awk '/^SigCgt/ { print $2 }' "/proc/$PPID/status") & 0x4005) == 0x4005)); }
until listens; do sleep 0.05; done
heard() { cat "$FOLDER/told" 2> /dev/null | wc -l; }
for name in $(cat "$FOLDER/signals"); do
  before=$(heard)
  kill -s "$name" "$PPID"
  until (($(heard) > before)); do sleep 0.05; done
done
if [ -e "$FOLDER/dies" ]; then exit 9; fi
for ((i = 0; i < 200; i++)); do sleep 0.05; done
`;

describe("nginx's start.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({ nginx: NGINX });
    machine.put("leaving", "");
  });
  afterEach(() => {
    machine.remove();
  });
  const run = (signals: string, seconds: string) => {
    machine.put("signals", signals);
    const env = { CONFIG: "/folder", LEAVING: machine.at("leaving") };
    const script = [scriptOf("swarm", "child.sh"), scriptOf("web", "start.sh")].join("\n");
    const started = Date.now();
    const { status, stderr } = machine.bash(["-s", "--", seconds], script, env);
    assert.equal(stderr, "");
    assert.deepEqual(machine.lines("started"), ["-c /folder/nginx.conf -g daemon off;"]);
    return { status, told: machine.lines("told"), took: Date.now() - started };
  };

  for (const signal of ["QUIT", "TERM"]) {
    it(`says that it leaves for a while before it ends at ${signal}`, () => {
      const { status, told, took } = run(signal, "1");
      assert.deepEqual([status, told], [0, ["QUIT leaving"]]);
      assert.ok(took >= 1000, `${took} ms`);
    });
  }

  it("passes each reload on, and leaves nothing behind", () => {
    machine.put("dies", "");
    const { status, told } = run("HUP HUP", "60");
    assert.deepEqual([status, told], [9, ["HUP ", "HUP "]]);
    assert.equal(existsSync(machine.at("leaving")), false);
  });
});
