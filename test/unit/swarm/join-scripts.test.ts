import assert from "node:assert/strict";
import { scriptOf, StandIns } from "../support/stand-ins";

/** Answers from files: state, swarm (its identity), control, managers, heartbeat. */
const DOCKER = `
is() { cat "$FOLDER/$1" 2> /dev/null; }
case "$*" in
  *LocalNodeState*) is state ;;
  *HeartbeatPeriod*) is heartbeat || echo 5s ;;
  *"Swarm.Cluster"*) is swarm ;;
  *RemoteManagers*) is managers ;;
  *DockerRootDir*) echo "$FOLDER/docker" ;;
  "node inspect self") [ -e "$FOLDER/is-node" ] ;;
  *ControlAvailable*) is control ;;
  "node update"*)
    left=$(cat "$FOLDER/late" 2> /dev/null || echo 0)
    [ "$left" = 0 ] || { echo $((left - 1)) > "$FOLDER/late"; echo "The swarm does not have a leader." >&2; exit 1; }
    echo "$*" >> "$FOLDER/labelled" ;;
  "swarm leave --force") echo left >> "$FOLDER/asked"; echo inactive > "$FOLDER/state"; echo "Node left the swarm." ;;
  "swarm init"* | "swarm update"*) echo "$*" >> "$FOLDER/asked" ;;
  "swarm join-token --quiet"*)
    left=$(cat "$FOLDER/leaderless" 2> /dev/null || echo 0)
    if [ "$left" != 0 ]; then echo $((left - 1)) > "$FOLDER/leaderless"; echo "The swarm does not have a leader." >&2; exit 1; fi
    [ ! -e "$FOLDER/is-worker" ] || { echo "this node is not a swarm manager" >&2; exit 1; }; echo "token-$4" ;;
esac
`;
/** Who listens at the port of managers has a file. */
const TIMEOUT = `[[ "$4" =~ ^'</dev/tcp/'(.*)/2377$ ]] && [ -e "$FOLDER/manages/\${BASH_REMATCH[1]}" ]`;
const CURL = `echo "$*" >> "$FOLDER/curl"; cat >> "$FOLDER/asked"; echo >> "$FOLDER/asked"
[ ! -e "$FOLDER/refuses" ] || { cat "$FOLDER/refuses"; exit 22; }`;

const ALL = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

describe("a machine on its way into the Swarm", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({
      docker: DOCKER,
      timeout: TIMEOUT,
      curl: CURL,
      hostname: "echo vm",
      sleep: "",
    });
    machine.put("state", "inactive");
  });
  afterEach(() => {
    machine.remove();
  });
  const asked = () => machine.lines("asked");

  describe("init.sh", () => {
    const init = () =>
      machine.run(scriptOf("swarm", "init.sh"), ["vm2", "10.0.0.2", "10.214.0.0/16", ...ALL]);

    it("starts a Swarm, and prints what the others need", () => {
      // Its own port, of a daemon that has just been restarted.
      machine.put("manages/10.0.0.2", "");
      machine.put("swarm", "swarm-1\n");
      const stdout = "token-manager\ntoken-worker\nswarm-1\n";
      assert.deepEqual(init(), { status: 0, stdout, stderr: "" });
      assert.deepEqual(asked(), [
        "swarm init --advertise-addr 10.0.0.2 --listen-addr 10.0.0.2:2377 --data-path-addr 10.0.0.2 --default-addr-pool 10.214.0.0/16 --task-history-limit 2",
        "swarm update --dispatcher-heartbeat 4s",
      ]);
    });

    it("finds the Swarm that is there", () => {
      machine.put("state", "active");
      machine.put("heartbeat", "4s");
      machine.put("swarm", "swarm-1\n");
      for (const address of ALL) machine.put(`manages/${address}`, "");
      assert.equal(init().stdout, "token-manager\ntoken-worker\nswarm-1\n");
      assert.deepEqual(asked(), []);
    });

    it("waits for the others' leader, and says where there is none", () => {
      machine.put("state", "active");
      machine.put("swarm", "swarm-1\n");
      machine.put("leaderless", "4");
      assert.equal(init().stdout, "token-manager\ntoken-worker\nswarm-1\n");
      machine.put("leaderless", "999");
      const { status, stderr } = init();
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^The swarm does not have a leader\.\nvm: the managers of its Swarm have had no leader .*start those that are down/,
      );
    });

    it("starts no second one beside another machine's", () => {
      machine.put("manages/10.0.0.3", "");
      const { status, stdout, stderr } = init();
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(
        stderr,
        /^vm: is in no Swarm, but 10\.0\.0\.3 manages one\. .*docker swarm leave --force there$/m,
      );
      assert.deepEqual(asked(), []);
    });

    it("refuses a Swarm that is locked, and one that it does not manage", () => {
      machine.put("state", "locked");
      assert.match(init().stderr, /^vm: its Swarm is locked or half-joined/);
      machine.put("state", "active");
      machine.put("is-worker", "");
      const { status, stderr } = init();
      assert.equal(status, 1);
      assert.match(stderr, /^vm: does not manage its Swarm: .*docker swarm leave --force there/m);
    });
  });

  describe("join.sh", () => {
    const join = (role: "manager" | "worker" = "manager", removed = "none") =>
      machine.run(
        scriptOf("swarm", "join.sh"),
        ["vm3", "10.0.0.3", role, removed, ...ALL],
        "T-m\nT-w\nswarm-1\n",
      );
    const request = (manager: string, token: string) => ({
      ListenAddr: "10.0.0.3:2377",
      AdvertiseAddr: "10.0.0.3",
      DataPathAddr: "10.0.0.3",
      RemoteAddrs: [`${manager}:2377`],
      JoinToken: token,
    });
    const done = { status: 0, stdout: "", stderr: "" };
    const member = (swarm: string, control: boolean, managers: string) => {
      const states = { state: "active", swarm, control: String(control), managers };
      for (const [name, text] of Object.entries(states)) machine.put(name, text);
    };

    it("joins through the first manager that answers, in its role", () => {
      for (const address of ["10.0.0.2", "10.0.0.3"]) machine.put(`manages/${address}`, "");
      machine.put("late", "3");
      assert.deepEqual([join(), join("worker")], [done, done]);
      assert.deepEqual(
        asked().map((line): unknown => JSON.parse(line)),
        [request("10.0.0.2", "T-m"), request("10.0.0.2", "T-w")],
      );
      assert.deepEqual(machine.lines("labelled"), [
        "node update --label-add trivet.machine=vm3 self",
      ]);
      assert.ok(
        machine.lines("curl").every((line) => !line.includes("T-")),
        "a token in the process list",
      );
    });

    /** What a machine's certificate says: the Swarm, and the node that it is. */
    const certificate = (node: string) => {
      const names = Buffer.from(`\x13\x194jz25uxe7jx68qwfzoiik3vtj\x13\x19${node}`, "latin1");
      machine.put(
        "docker/swarm/certificates/swarm-node.crt",
        `-----BEGIN CERTIFICATE-----\n${names.toString("base64")}\n-----END CERTIFICATE-----\n`,
      );
    };
    const [LOST, NOW] = ["kyuwco9yy81mw0q18zj7vwshp", "hj118y8r1kyhvmfsg3wtebpde"];

    it("leaves a Swarm that has removed it, and joins it anew", () => {
      machine.put("manages/10.0.0.1", "");
      member("", false, "10.0.0.1:2377 ");
      certificate(LOST);
      const { status, stdout, stderr } = join("manager", LOST);
      assert.deepEqual([status, stdout], [0, ""]);
      assert.equal(stderr, "vm: the Swarm has removed this machine: it leaves, to join anew\n");
      const [first, second = ""] = asked();
      assert.equal(first, "left");
      assert.deepEqual(JSON.parse(second), request("10.0.0.1", "T-m"));
    });

    it("stays where it has become another node meanwhile, or manages the Swarm", () => {
      member("swarm-1", true, "10.0.0.1:2377 ");
      certificate(NOW);
      assert.deepEqual(join("manager", LOST), done);
      certificate(LOST);
      machine.put("is-node", "");
      assert.deepEqual(join("manager", LOST), done);
      assert.deepEqual(asked(), []);
    });

    it("has nothing to leave where it is in none", () => {
      machine.put("manages/10.0.0.1", "");
      assert.deepEqual(join("manager", LOST), done);
      assert.equal(asked().length, 1);
    });

    it("says where no manager answers, itself aside", () => {
      machine.put("manages/10.0.0.3", "");
      const { status, stderr } = join();
      assert.equal(status, 1);
      assert.match(
        stderr,
        /^vm: reaches no manager at port 2377 of 10\.0\.0\.1 10\.0\.0\.2 10\.0\.0\.3: /m,
      );
      assert.deepEqual(asked(), []);
    });

    it("fails with what the manager says", () => {
      machine.put("manages/10.0.0.1", "");
      machine.put("refuses", '{"message":"invalid join token"}');
      const { status, stderr } = join();
      assert.notEqual(status, 0);
      assert.match(stderr, /invalid join token/);
    });

    it("is done where it belongs to this Swarm: a manager knows it by name", () => {
      member("swarm-1", true, "10.9.9.9:2377 ");
      assert.deepEqual([join(), join("worker")], [done, done]);
      assert.deepEqual(asked(), []);
    });

    it("is done where it belongs to this Swarm: a worker knows its managers", () => {
      member("", false, "10.0.0.2:2377 ");
      assert.deepEqual([join(), join("worker")], [done, done]);
      assert.deepEqual(asked(), []);
    });

    it("refuses what belongs to another Swarm, as manager or worker, and changes nothing", () => {
      for (const address of ALL) machine.put(`manages/${address}`, "");
      for (const [swarm, control, managers] of [
        ["swarm-2", true, "10.0.0.3:2377 10.0.0.1:2377 "],
        // Without a majority a manager does not tell the identity.
        ["", true, "10.0.0.1:2377 "],
        ["", false, "10.9.9.9:2377 110.0.0.1:2377 "],
      ] as const) {
        member(swarm, control, managers);
        const { status, stderr } = join();
        assert.equal(status, 1);
        assert.ok(
          stderr.startsWith(`vm: belongs to another Swarm (managers: ${managers}): `),
          stderr,
        );
      }
      assert.deepEqual(asked(), []);
    });
  });
});
