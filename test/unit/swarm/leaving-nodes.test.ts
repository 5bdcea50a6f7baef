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
      ...["etcd-vm3", "trivet-etcd", "postgres-vm3"],
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
 * are Patroni's members; a switchover moves the primary unless it is stuck. Files say how often an answer fails.
 */
const DOCKER = `
swarm=$FOLDER/nodes; id=\${*: -1}
again() { local left; left=$(cat "$FOLDER/$1" 2> /dev/null || echo 0); [ "$left" != 0 ] && echo $((left - 1)) > "$FOLDER/$1"; }
case "$*" in
  *ControlAvailable*) cat "$FOLDER/control"; exit ;;
  "service ls"*) printf 'etcd-vm2\npostgres-vm2\nweb\n'; exit ;;
  "volume inspect"*) echo "$FOLDER/volume"; exit ;;
  "node ls"*) if again leaderless; then echo "The swarm does not have a leader." >&2; exit 1; fi; awk '{ print $1 }' "$swarm"; exit ;;
  "node inspect"*vote*) if again votes; then echo vote; fi; exit ;;
  "node inspect"*) shift 4; awk -v ids=" $* " 'index(ids, " " $1 " ")' "$swarm"; exit ;;
  "node ps"*) echo "Shutdown 3 seconds ago"; if again tasks; then echo "Running 3 minutes ago"; fi; exit ;;
  ps*service.name=etcd-vm2) echo etcd-container; exit ;;
  ps*service.name=postgres-vm2) echo postgres-container; exit ;;
  "exec postgres-container"*" list "*) sed 's/,/\\t/g' "$FOLDER/patroni"; exit ;;
  "exec etcd-container"*"member list") if again etcd-silent; then exit 1; fi; cat "$FOLDER/members"; exit ;;
  "exec etcd-container"*"member remove"*) if again unhealthy; then echo "etcdserver: unhealthy cluster" >&2; exit 1; fi ;;
  "node update"* | "node demote"*) if again refusals; then echo "update out of sequence" >&2; exit 1; fi ;;
esac
echo "$*" | sed 's/--endpoints.*member-key.pem //; s/patronictl -c [^ ]*/patronictl/' >> "$FOLDER/asked"
case "$*" in
  *switchover*)
    [ ! -e "$FOLDER/stuck" ] || { echo "no good candidates"; exit 1; }
    sed -i 's/Leader,running/Replica,streaming/; s/Quorum Standby,streaming/Leader,running/' "$FOLDER/patroni" ;;
esac
`;

const NODES = `one 10.0.0.1 ready manager countdown1
two 10.0.0.2 ready manager vm2
three 10.0.0.3 ready manager vm3
app 10.0.0.9 ready worker app1
foreign 10.0.0.50 ready worker -
joining - unknown worker -
`;
const MEMBERS = `8e9e05c52164694d, started, countdown1, https://10.0.0.1:2380, https://10.0.0.1:2379, false
91bc3c398fb3c146, started, vm2, https://10.0.0.2:2380, https://10.0.0.2:2379, false
a3bc3c398fb3c147, started, vm3, https://10.0.0.3:2380, https://10.0.0.3:2379, false
`;
const PATRONI = `Cluster,Member,Host,Role,State,TL,Lag in MB
postgres,countdown1,10.0.0.1,Leader,running,8,
postgres,vm2,10.0.0.2,Quorum Standby,streaming,8,0
`;

describe("leave.sh", () => {
  let swarm: StandIns;
  beforeEach(() => {
    swarm = new StandIns({ docker: DOCKER, sleep: "" });
    const files = { nodes: NODES, members: MEMBERS, patroni: PATRONI, control: "true" };
    for (const [name, text] of Object.entries(files)) swarm.put(name, text);
    swarm.put("volume/member/member/wal/0.wal", "");
  });
  afterEach(() => {
    swarm.remove();
  });
  const leave = (...staying: string[]) =>
    swarm.run(scriptOf("swarm", "lib.sh", "leave.sh"), [
      ...["etcd-vm2", "trivet-etcd", "postgres-vm2"],
      ...staying,
    ]);
  const [VM1, VM2, VM3, APP1] = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.9"];
  const SWITCHOVER = "exec postgres-container patronictl switchover --leader countdown1 --force";
  const removed = (member: string) => `exec etcd-container etcdctl member remove ${member}`;
  const paused = (node: string) =>
    `node update --availability pause --label-add trivet.leaving=true ${node}`;
  const drained = (node: string) => `node update --availability drain ${node}`;
  const WITHOUT_SWITCHOVER = [
    paused("one"),
    removed("8e9e05c52164694d"),
    drained("one"),
    "node demote one",
  ];

  it("does nothing where everybody stays, or nobody is there yet", () => {
    const done = { status: 0, stdout: "", stderr: "" };
    assert.deepEqual(leave(VM1, VM2, VM3, APP1), done);
    swarm.put("control", "false");
    assert.deepEqual(leave(VM2), done);
    assert.deepEqual(swarm.lines("asked"), []);
  });

  it("takes the primary, the place in etcd, the services and the vote from the one that leaves", () => {
    const failures = {
      leaderless: 3,
      refusals: 2,
      tasks: 3,
      votes: 4,
      "etcd-silent": 5,
      unhealthy: 6,
    };
    for (const [what, times] of Object.entries(failures)) swarm.put(what, String(times));
    const { status, stderr } = leave("10.0.0.4", VM2, VM3, APP1);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^countdown1 \(10\.0\.0\.1\) leaves the platform: /);
    assert.deepEqual(swarm.lines("asked"), [SWITCHOVER, ...WITHOUT_SWITCHOVER]);
    for (const what of Object.keys(failures)) assert.equal(swarm.lines(what)[0], "0", what);
  });

  it("asks for no switchover where the primary stays, and takes no vote from a worker", () => {
    swarm.put(
      "patroni",
      PATRONI.replace("Leader", "Replica").replace("Quorum Standby,streaming", "Leader,running"),
    );
    assert.equal(leave(VM1, VM2, VM3).status, 0);
    assert.deepEqual(swarm.lines("asked"), [paused("app"), drained("app")]);
  });

  it("lets a worker go whatever Patroni says", () => {
    swarm.put("patroni", "");
    assert.equal(leave(VM1, VM2, VM3).status, 0);
    assert.deepEqual(swarm.lines("asked"), [paused("app"), drained("app")]);
  });

  it("leaves machines that do not run, and those of nobody, alone", () => {
    swarm.put("nodes", NODES.replace("10.0.0.1 ready", "10.0.0.1 down"));
    assert.equal(leave(VM2, VM3, APP1).status, 0);
    assert.deepEqual(swarm.lines("asked"), []);
  });

  it("takes the votes of those that do not run first, where another one leaves too", () => {
    swarm.put("nodes", NODES.replace("10.0.0.3 ready", "10.0.0.3 down"));
    assert.equal(leave(VM2, APP1).status, 0);
    const asked = [removed("a3bc3c398fb3c147"), "node demote three", SWITCHOVER];
    assert.deepEqual(swarm.lines("asked"), [...asked, ...WITHOUT_SWITCHOVER]);
  });

  it("lets the primary hand over by its end where no switchover is possible", () => {
    swarm.put("stuck", "");
    assert.equal(leave(VM2, VM3, APP1).status, 0);
    assert.deepEqual(swarm.lines("asked"), [SWITCHOVER, ...WITHOUT_SWITCHOVER]);
  });

  for (const { title, patroni, says } of [
    {
      title: "the primary has no standby that follows it",
      patroni: PATRONI.replace("Quorum Standby,streaming", "Replica,starting"),
      says: /the only copy of the data along\. See /,
    },
    {
      title: "the primary's standbys leave as well",
      patroni: PATRONI.replace("10.0.0.2", "10.0.0.4"),
      says: /the only copy of the data along\. See /,
    },
    {
      title: "there is no primary",
      patroni: PATRONI.replace("Leader,running", "Replica,stopped"),
      says: /Patroni does not tell which machine has the primary\. See /,
    },
    {
      title: "Patroni does not answer",
      patroni: "",
      says: /Patroni does not tell which machine has the primary\. See /,
    },
  ]) {
    it(`takes nothing away while ${title}`, () => {
      swarm.put("patroni", patroni);
      const { status, stderr } = leave(VM2, VM3, APP1);
      assert.equal(status, 1);
      assert.match(stderr, says);
      assert.deepEqual(swarm.lines("asked"), []);
    });
  }

  it("stops nothing while etcd cannot be asked, or does not let its member go", () => {
    swarm.put("etcd-silent", "99");
    const silent = leave(VM2, VM3, APP1);
    assert.equal(silent.status, 1);
    assert.match(silent.stderr, /the members of etcd cannot be asked for/);
    swarm.put("etcd-silent", "0");
    swarm.put("unhealthy", "99");
    const unhealthy = leave(VM2, VM3, APP1);
    assert.equal(unhealthy.status, 1);
    assert.match(
      unhealthy.stderr,
      /unhealthy cluster\netcd does not let its member at 10\.0\.0\.1 go/,
    );
    assert.ok(!swarm.lines("asked").includes(drained("one")));
  });

  it("leaves it to others to say that the Swarm has no leader", () => {
    swarm.put("leaderless", "999");
    const { status, stderr } = leave(VM2, VM3, APP1);
    assert.equal(status, 0);
    assert.match(stderr, /does not have a leader\.\n$/);
    assert.deepEqual(swarm.lines("asked"), []);
  });

  it("says where a vote stays", () => {
    swarm.put("votes", "999");
    const { status, stderr } = leave(VM2, VM3, APP1);
    assert.equal(status, 1);
    assert.match(stderr, /node one at 10\.0\.0\.1 keeps its vote in the Swarm/);
  });
});
