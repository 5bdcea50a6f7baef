import assert from "node:assert/strict";
import { scriptOf, StandIns } from "../support/stand-ins";

/** Nodes, services and tasks are files in the form in which the script asks for them. */
const DOCKER = `
case "$*" in
  "node inspect self"*) cat "$FOLDER/leads" ;;
  "node ls"*) awk '{ print $1 }' "$FOLDER/nodes" ;;
  "node inspect"*) cat "$FOLDER/nodes" ;;
  "service ls"*) awk '{ print $1 }' "$FOLDER/services" ;;
  "service inspect"*) cat "$FOLDER/services" ;;
  "service ps"*) awk '{ print NR }' "$FOLDER/tasks-\${*: -1}" ; echo "\${*: -1}" > "$FOLDER/last" ;;
  "inspect --type task"*) cat "$FOLDER/tasks-$(cat "$FOLDER/last")" ;;
  "service update"*) echo "\${*: -1}" >> "$FOLDER/updated" ;;
  *) echo "not known: $*" >&2; exit 1 ;;
esac
`;

const READY = ["a ready active vm1", "b ready active vm2", "c ready active vm3"];
const EVEN = ["a running", "b running", "c running"];
const UNEVEN = ["a running", "b running", "a running"];

describe("spread.sh", () => {
  let swarm: StandIns;
  beforeEach(() => {
    swarm = new StandIns({ docker: DOCKER });
    put("leads", ["true"]);
    put("services", ["web - completed 3", "etcd-vm1 vm1 completed 1"]);
    put("nodes", READY);
    put("tasks-web", UNEVEN);
  });
  afterEach(() => {
    swarm.remove();
  });

  function put(file: string, lines: readonly string[]): void {
    swarm.put(file, lines.map((line) => `${line}\n`).join(""));
  }

  /** One look of the timer; the second one of the same machines finds them steady. */
  function look(steadySeconds = 0): string[] {
    const env = { STATE: swarm.at("state"), STEADY_SECONDS: String(steadySeconds) };
    const { status, stderr } = swarm.run(scriptOf("swarm", "spread.sh"), [], "", env);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
    return swarm.lines("updated");
  }

  it("spreads what is uneven by two, at the second look, and only once", () => {
    assert.deepEqual(look(), []);
    assert.deepEqual(look(), ["web"]);
    assert.deepEqual(look(), ["web"]);
  });

  it("leaves alone what is even, or uneven by one", () => {
    for (const tasks of [EVEN, ["a running", "b running"], ["a running"]]) {
      put("tasks-web", tasks);
      look();
      assert.deepEqual(look(), []);
    }
  });

  it("waits until the machines have come to rest", () => {
    look(3600);
    assert.deepEqual(look(3600), []);
    put("nodes", READY.slice(0, 2));
    assert.deepEqual(look(), []);
  });

  it("tries again after another machine was lost or came back, or with more replicas", () => {
    look();
    look();
    put("nodes", ["a ready active vm1", "b ready active vm2", "c down active vm3"]);
    put("tasks-web", ["a running", "a running", "a running"]);
    look();
    assert.deepEqual(look(), ["web", "web"]);
    put("services", ["web - completed 4"]);
    assert.deepEqual(look(), ["web", "web", "web"]);
  });

  it("counts neither machines that take no tasks nor tasks that do not run", () => {
    put("nodes", ["a ready active vm1", "b ready drain vm2", "c ready active -"]);
    look();
    assert.deepEqual(look(), []);
    put("nodes", READY);
    put("tasks-web", ["a running", "b running", "c running", "a starting", "a starting"]);
    look();
    assert.deepEqual(look(), []);
  });

  it("does nothing while an update is on its way, or was stopped", () => {
    for (const state of ["updating", "paused", "rollback_started"]) {
      put("services", [`web - ${state} 3`]);
      look();
      assert.deepEqual(look(), []);
    }
  });

  it("does nothing on other managers, and begins anew when the lead comes to it", () => {
    look();
    put("leads", ["false"]);
    assert.deepEqual(look(), []);
    put("leads", ["true"]);
    assert.deepEqual(look(), []);
    assert.deepEqual(look(), ["web"]);
  });
});
