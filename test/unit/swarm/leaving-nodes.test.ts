import assert from "node:assert/strict";
import { InvalidArgsError } from "../../../components/core/args-check";
import { LeavingNodes } from "../../../components/swarm/leaving-nodes";
import { awayHost, hosts, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";
import { scriptOf, StandIns } from "../support/stand-ins";

const CLUSTERS = { etcd: "etcd", postgres: "postgres" };

describe("LeavingNodes", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("hand over to the machines that stay, through the first manager that was there and can be reached", async () => {
    const [vm1, vm2, vm3, app1] = hosts(4);
    assert.ok(vm1 && vm2 && vm3 && app1);
    const managers = [awayHost(vm1), { ...vm2, isNew: true }, vm3];
    new LeavingNodes("leaving", { managers, workers: [app1], ...CLUSTERS });
    await engine.settled();
    assert.deepEqual(engine.script("leaving-handover").words, [
      ...["etcd-vm3", "postgres-vm3"],
      ...["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"],
    ]);
    assert.equal(engine.addressOf("leaving-handover"), "203.0.113.3");
  });

  it("need a number of managers that can decide, each with its own name", () => {
    const [vm1, vm2] = hosts(2);
    assert.ok(vm1 && vm2);
    for (const wrong of [{ managers: [vm1, vm2] }, { managers: [vm1], workers: [vm1] }]) {
      assert.throws(() => new LeavingNodes("leaving", { ...wrong, ...CLUSTERS }), InvalidArgsError);
    }
  });
});

/**
 * The Swarm is a file: identity, address, state, role and label of a node on each line. What is changed is noted. So
 * are Patroni's members; a switchover moves the primary unless it is stuck.
 */
const DOCKER = `
swarm=$FOLDER/nodes; id=\${*: -1}
case "$*" in
  *ControlAvailable*) cat "$FOLDER/control"; exit ;;
  "service inspect"*) exit ;;
  "node ls"*) awk '{ print $1 }' "$swarm"; exit ;;
  "node inspect"*) shift 4; awk -v ids=" $* " 'index(ids, " " $1 " ")' "$swarm"; exit ;;
  "node ps"*) tasks=$(cat "$FOLDER/tasks" 2> /dev/null || echo 0); [ "$tasks" = 0 ] || { echo task; echo $((tasks - 1)) > "$FOLDER/tasks"; }; exit ;;
  ps*service.name=etcd-vm2) echo etcd-container; exit ;;
  ps*service.name=postgres-vm2) echo postgres-container; exit ;;
  "exec postgres-container"*" list "*) sed 's/,/\\t/g' "$FOLDER/patroni"; exit ;;
  "exec etcd-container"*"member list") cat "$FOLDER/members"; exit ;;
esac
echo "$*" | sed 's/--endpoints.*member-key.pem //; s/patronictl -c [^ ]*/patronictl/' >> "$FOLDER/asked"
case "$*" in
  *switchover*)
    [ ! -e "$FOLDER/stuck" ] || { echo "no good candidates"; exit 1; }
    sed -i 's/Leader,running/Replica,streaming/; s/Quorum Standby/Leader/' "$FOLDER/patroni" ;;
  "node update"*)
    refusals=$(cat "$FOLDER/refusals" 2> /dev/null || echo 0)
    [ "$refusals" = 0 ] || { echo $((refusals - 1)) > "$FOLDER/refusals"; echo "update out of sequence" >&2; exit 1; } ;;
esac
`;

const NODES = `one 10.0.0.1 ready manager vm1
two 10.0.0.2 ready manager vm2
three 10.0.0.3 ready manager vm3
app 10.0.0.9 ready worker app1
foreign 10.0.0.50 ready worker -
`;
const MEMBERS = `8e9e05c52164694d, started, vm1, https://10.0.0.1:2380, https://10.0.0.1:2379, false
91bc3c398fb3c146, started, vm2, https://10.0.0.2:2380, https://10.0.0.2:2379, false
`;

const PATRONI = `Cluster,Member,Host,Role,State,TL,Lag in MB
postgres,vm1,10.0.0.1,Leader,running,8,
postgres,vm2,10.0.0.2,Quorum Standby,streaming,8,0
`;

describe("leave.sh", () => {
  let swarm: StandIns;
  beforeEach(() => {
    swarm = new StandIns({ docker: DOCKER, sleep: "" });
    const files = { nodes: NODES, members: MEMBERS, patroni: PATRONI, control: "true" };
    for (const [name, text] of Object.entries(files)) swarm.put(name, text);
  });
  afterEach(() => {
    swarm.remove();
  });
  const leave = (...staying: string[]) =>
    swarm.run(scriptOf("swarm", "leave.sh"), ["etcd-vm2", "postgres-vm2", ...staying]);
  const [VM1, VM2, VM3, APP1] = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.9"];

  it("does nothing where everybody stays, or nobody is there yet", () => {
    const done = { status: 0, stdout: "", stderr: "" };
    assert.deepEqual(leave(VM1, VM2, VM3, APP1), done);
    swarm.put("control", "false");
    assert.deepEqual(leave(VM2), done);
    assert.deepEqual(swarm.lines("asked"), []);
  });

  it("takes the primary, the place in etcd, the services and the vote from the one that leaves", () => {
    swarm.put("tasks", "3");
    swarm.put("refusals", "2");
    const { status, stderr } = leave("10.0.0.4", VM2, VM3, APP1);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^vm1 \(10\.0\.0\.1\) leaves the platform: /);
    assert.deepEqual(swarm.lines("asked"), [
      "exec postgres-container patronictl switchover --leader vm1 --force",
      "exec etcd-container etcdctl member remove 8e9e05c52164694d",
      ...Array<string>(3).fill(
        "node update --availability drain --label-add trivet.leaving=true one",
      ),
      "node demote one",
    ]);
    assert.equal(swarm.lines("tasks")[0], "0");
  });

  it("asks for no switchover where the primary stays, and demotes no worker", () => {
    swarm.put("patroni", PATRONI.replace("Leader", "Replica").replace("Quorum Standby", "Leader"));
    assert.equal(leave(VM1, VM2, VM3).status, 0);
    assert.deepEqual(swarm.lines("asked"), [
      "node update --availability drain --label-add trivet.leaving=true app",
    ]);
  });

  it("leaves machines that do not run, and those of nobody, alone", () => {
    swarm.put("nodes", NODES.replace("10.0.0.1 ready", "10.0.0.1 down"));
    assert.equal(leave(VM2, VM3, APP1).status, 0);
    assert.deepEqual(swarm.lines("asked"), []);
  });

  it("lets the primary hand over by its end where no switchover is possible", () => {
    swarm.put("stuck", "");
    assert.equal(leave(VM2, VM3, APP1).status, 0);
    assert.deepEqual(swarm.lines("asked"), [
      "exec postgres-container patronictl switchover --leader vm1 --force",
      "exec etcd-container etcdctl member remove 8e9e05c52164694d",
      "node update --availability drain --label-add trivet.leaving=true one",
      "node demote one",
    ]);
  });

  it("takes nothing away where the primary has no standby on a machine that stays", () => {
    for (const [from, to] of [
      ["Quorum Standby,streaming", "Replica,starting"],
      ["10.0.0.2", "10.0.0.4"],
    ] as const) {
      swarm.put("patroni", PATRONI.replace(from, to));
      const { status, stderr } = leave(VM2, VM3, APP1);
      assert.equal(status, 1);
      assert.match(stderr, /^vm1 \(10\.0\.0\.1\) .* the only copy of the data along\. /m);
      assert.deepEqual(swarm.lines("asked"), []);
    }
  });

  it("takes nothing away while nobody knows where the primary is", () => {
    swarm.put("patroni", "");
    const { status, stderr } = leave(VM2, VM3, APP1);
    assert.equal(status, 1);
    assert.match(stderr, /^vm1 \(10\.0\.0\.1\) leaves, and Patroni on .* cannot be asked /m);
    assert.deepEqual(swarm.lines("asked"), []);
  });
});
