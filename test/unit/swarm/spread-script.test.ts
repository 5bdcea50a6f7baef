import assert from "node:assert/strict";
import { existsSync, rmSync, utimesSync } from "node:fs";
import { scriptOf, StandIns } from "../support/stand-ins";

/** Nodes, services and tasks are files in the form in which the script asks for them. */
const DOCKER = `
case "$*" in
  "node inspect self"*) cat "$FOLDER/leads" ;;
  "node ls"*) awk '{ print $1 }' "$FOLDER/nodes" ;;
  "node inspect"*) cat "$FOLDER/nodes" ;;
  "service ls"*) awk '{ print $1 }' "$FOLDER/services" ;;
  "service inspect"*".Spec.Name"*) grep "^\${*: -1} " "$FOLDER/services" ;;
  "service inspect"*) cat "$FOLDER/label" ;;
  "service ps"*) awk '{ print NR }' "$FOLDER/tasks-\${*: -1}" ; echo "\${*: -1}" > "$FOLDER/last" ;;
  "inspect --type task"*) cat "$FOLDER/tasks-$(cat "$FOLDER/last")" ;;
  "service update --quiet "*) echo "\${*:4}" >> "$FOLDER/updated"; case "$*" in *--label-add*) [ -e "$FOLDER/anew" ] || sed 's/.*trivet.spread=\\([0-9]*\\).*/\\1/' <<< "$*" > "$FOLDER/label" ;; esac; case "$*" in *"$(cat "$FOLDER/refused" 2> /dev/null || echo nothing)"*) exit 1 ;; esac ;;
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
    put("services", ["web - completed 3 -", "etcd-vm1 vm1 completed 1 -"]);
    put("nodes", READY);
    put("tasks-web", UNEVEN);
    put("label", ["-"]);
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
  const spread = (replicas: number, moving: number) => [
    `--label-add trivet.spread=${replicas} --replicas ${replicas + moving} web`,
    `--label-rm trivet.spread --replicas ${replicas} web`,
  ];

  /** As if a look had been that long ago. */
  function ago(seconds: number): void {
    const then = Date.now() / 1000 - seconds;
    for (const file of ["takers", "web"]) {
      if (existsSync(swarm.at("state", file))) utimesSync(swarm.at("state", file), then, then);
    }
  }

  it("spreads what is uneven by two, at the second look", () => {
    assert.deepEqual(look(), []);
    assert.deepEqual(look(), spread(3, 1));
  });

  it("tries again what did not help, each time after twice as long, up to 64 times", () => {
    look();
    ago(60);
    assert.deepEqual(look(60), spread(3, 1));
    for (const wait of [60, 120, 240, 480, 960, 1920, 3840, 3840]) {
      put("updated", []);
      ago(wait - 5);
      assert.deepEqual(look(60), [], `${wait - 5} s after it was tried`);
      ago(wait);
      assert.deepEqual(look(60), spread(3, 1), `${wait} s after it was tried`);
    }
  });

  it("forgets what it tried once it has helped", () => {
    look();
    look();
    put("tasks-web", EVEN);
    look();
    assert.deepEqual(look(), spread(3, 1));
    assert.equal(existsSync(swarm.at("state", "web")), false);
  });

  it("moves as many as are too many, and no more", () => {
    const at = (...counts: number[]) =>
      counts.flatMap((count, i) => Array<string>(count).fill(`${"abc"[i] ?? ""} running`));
    for (const [tasks, moving] of [
      [at(3, 0, 0), 2],
      [at(4, 0, 0), 2],
      [at(0, 5, 1), 3],
      [at(2, 2, 0), 1],
      [at(3, 1, 1), 1],
      [at(2, 1, 1), 0],
      [at(6, 0, 3), 3],
    ] as const) {
      rmSync(swarm.at("state"), { recursive: true, force: true });
      put("updated", []);
      put("tasks-web", tasks);
      put("services", [`web - completed ${tasks.length} -`]);
      look();
      const [first = ""] = look();
      const replicas = Number(/--replicas (\d+)/.exec(first)?.[1] ?? tasks.length);
      assert.equal(replicas - tasks.length, moving, tasks.join());
    }
  });

  it("goes back to the number of replicas that it had when it ended in between", () => {
    put("services", ["web - completed 4 3"]);
    put("label", ["3"]);
    look();
    assert.deepEqual(look(), spread(3, 1).slice(1));
  });

  it("leaves the number alone where an update of the stack has set it meanwhile", () => {
    swarm.put("anew", "");
    look();
    assert.deepEqual(look(), spread(3, 1).slice(0, 1));
  });

  it("goes back, and says so, where there is no room for more", () => {
    put("refused", ["--replicas 4"]);
    look();
    const env = { STATE: swarm.at("state"), STEADY_SECONDS: "0" };
    const { status, stderr } = swarm.run(scriptOf("swarm", "spread.sh"), [], "", env);
    assert.deepEqual(
      [status, stderr],
      [0, "1 replicas more of web cannot be started: it stays as it is for now\n"],
    );
    assert.deepEqual(swarm.lines("updated"), spread(3, 1));
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
    assert.deepEqual(look().slice(2), spread(3, 1));
    put("services", ["web - completed 4 -"]);
    assert.deepEqual(look().slice(4), spread(4, 1));
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
      put("services", [`web - ${state} 3 -`]);
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
    assert.deepEqual(look(), spread(3, 1));
  });
});
