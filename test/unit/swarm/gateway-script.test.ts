import assert from "node:assert/strict";
import { scriptOf, StandIns } from "../support/stand-ins";

/** The bridge is a file with its subnet; one that a container uses stays. */
const DOCKER = `
case "$*" in
  "network inspect"*) cat "$FOLDER/bridge" 2> /dev/null ;;
  info*) cat "$FOLDER/state" ;;
  "network rm docker_gwbridge") [ ! -e "$FOLDER/used" ] && rm "$FOLDER/bridge" ;;
  "network create"*) echo "$*" >> "$FOLDER/created" ;;
esac
`;

describe("gateway.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({ docker: DOCKER, hostname: "echo vm" });
    machine.put("state", "inactive\n");
  });
  afterEach(() => {
    machine.remove();
  });
  const run = () => machine.run(scriptOf("swarm", "gateway.sh"), ["10.212.0.0/24", "10.212.0.1"]);

  it("makes the bridge with the subnet that was asked for, once", () => {
    assert.equal(run().status, 0);
    assert.match(
      machine.lines("created").join(),
      /--subnet 10\.212\.0\.0\/24 --gateway 10\.212\.0\.1 /,
    );
    machine.put("bridge", "10.212.0.0/24\n");
    assert.equal(run().status, 0);
    assert.equal(machine.lines("created").length, 1);
  });

  it("replaces what a Swarm that the machine has left leaves behind", () => {
    machine.put("bridge", "172.18.0.0/16\n");
    assert.equal(run().status, 0);
    assert.equal(machine.lines("created").length, 1);
  });

  for (const [why, file, content] of [
    ["in a Swarm", "state", "active\n"],
    ["where a container uses it", "used", ""],
  ] as const) {
    it(`refuses one with another subnet ${why}`, () => {
      machine.put("bridge", "172.18.0.0/16\n");
      machine.put(file, content);
      const { status, stderr } = run();
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^vm: docker_gwbridge has the subnet 172\.18\.0\.0\/16, the configuration says 10\.212\.0\.0\/24: /m,
      );
      assert.deepEqual(machine.lines("created"), []);
    });
  }
});
