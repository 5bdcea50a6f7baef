import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { renderMembers } from "../../../components/database/etcd-files";
import { scriptOf, StandIns } from "../support/stand-ins";

const MEMBERS = [1, 2, 3].map((n) => ({ name: `vm${n}`, address: `10.0.0.${n}` }));

/** A line of `etcdctl member list`. */
const listed = (id: string, n: number, state: "voter" | "learner" | "unstarted") =>
  state === "unstarted"
    ? `${id}, unstarted, , https://10.0.0.${n}:2380, , true`
    : `${id}, started, vm${n}, https://10.0.0.${n}:2380, https://10.0.0.${n}:2379, ${String(state === "learner")}`;

/** The cluster is a file. Files say how often it does not answer, takes nobody in, or promotes nobody. */
const ETCDCTL = `
[ "$2" = "$(cat "$FOLDER/endpoints")" ] || exit 9
shift 12; list=$FOLDER/list
again() { local left; left=$(cat "$FOLDER/$1" 2> /dev/null || echo 0); [ "$left" != 0 ] && echo $((left - 1)) > "$FOLDER/$1"; }
[ -e "$list" ] || exit 1
if [ "$2" = list ]; then if again silent; then exit 1; fi; cat "$list"; exit; fi
echo "$*" >> "$FOLDER/asked"
case "$2" in
  remove) sed -i "/^$3, /d" "$list" ;;
  add)
    if again full; then echo "etcdserver: too many learner members in cluster" >&2; exit 1; fi
    echo "new, unstarted, , \${5#--peer-urls=}, , true" >> "$list" ;;
  promote)
    if again behind; then exit 1; fi
    sed -i "/^$3, /s/true$/false/" "$list" ;;
esac
`;
/** Starts at once: it has a log, and the others see it as a member with a name. */
const ETCD = `
mkdir -p "$DATA/member/member/wal"; touch "$DATA/member/member/wal/0.wal"
cp "$2" "$FOLDER/final"
name=$(sed -n 's/^name: //p' "$2")
[ ! -e "$FOLDER/list" ] || sed -i "s/^new, unstarted, ,/new, started, $name,/" "$FOLDER/list"
`;

/** What etcd writes once it is a member. */
const LOG = "data/member/member/wal/0000000000000000-0000000000000000.wal";

/** Takes no time, and ends who waits for ever. */
const SLEEP = `echo >> "$FOLDER/sleeps"
[ "$(wc -l < "$FOLDER/sleeps")" -lt 50 ] || kill -9 "$PPID"
`;

describe("etcd-start.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({ etcdctl: ETCDCTL, etcd: ETCD, sleep: SLEEP });
    mkdirSync(machine.at("data"));
  });
  afterEach(() => {
    machine.remove();
  });

  function start(members: typeof MEMBERS, ...list: string[]) {
    machine.put("config/members", renderMembers(members));
    machine.put("config/etcd.yml", "name: vm2\nlog-level: warn\n");
    const others = members.filter(({ name }) => name !== "vm2");
    machine.put("endpoints", others.map(({ address }) => `https://${address}:2379`).join(","));
    if (list.length > 0) machine.put("list", `${list.join("\n")}\n`);
    const env = { CONFIG: machine.at("config"), DATA: machine.at("data") };
    // Ends when what it leaves beside etcd has ended too.
    const ran = machine.bash(["-s", "--", "vm2"], scriptOf("database", "etcd-start.sh"), env);
    assert.deepEqual([ran.status, ran.stdout], [0, ""]);
    const said = ran.stderr.split("\n").filter((line) => line !== "");
    return { said, asked: machine.lines("asked") };
  }
  const startsWith = (cluster: string, state: "new" | "existing") => {
    const config = readFileSync(machine.at("final"), "utf8");
    const added = `initial-cluster: ${cluster}\ninitial-cluster-state: ${state}\n`;
    assert.equal(config, `name: vm2\nlog-level: warn\n${added}`);
  };
  const SELF = "vm2=https://10.0.0.2:2380";
  const OTHERS = "vm1=https://10.0.0.1:2380,vm3=https://10.0.0.3:2380";
  const WAITS = "etcd vm2: waits for the cluster's members to take it in";
  const VOTES = "etcd vm2: has caught up and votes from now on";
  const ADD = "member add vm2 --learner --peer-urls=https://10.0.0.2:2380";
  const both = [listed("a1", 1, "voter"), listed("a3", 3, "voter")];

  it("goes on with the data that it has, and asks for nothing", () => {
    machine.put(LOG, "");
    machine.put("data/found", "");
    const { said, asked } = start(MEMBERS, ...both, listed("a2", 2, "voter"));
    startsWith(SELF, "existing");
    assert.deepEqual([said, asked], [[], []]);
    assert.ok(!existsSync(machine.at("data", "found")), "without its data it would found another");
  });

  it("joins anew where the others removed it, and keeps what it had beside", () => {
    machine.put(LOG, "");
    const { said, asked } = start(MEMBERS, listed("a", 1, "voter"), listed("c", 3, "voter"));
    assert.match(
      said[0] ?? "",
      /^etcd vm2: was removed by the others meanwhile: joins them anew; /,
    );
    assert.equal(asked[0], ADD);
    startsWith(
      "vm1=https://10.0.0.1:2380,vm3=https://10.0.0.3:2380,vm2=https://10.0.0.2:2380",
      "existing",
    );
    assert.equal(existsSync(machine.at(LOG.replace("member/", "member.removed/"))), true);
    assert.equal(existsSync(machine.at(LOG)), false);
  });

  it("goes on with its data while nobody can say whether it was removed", () => {
    machine.put(LOG, "");
    machine.put("silent", "99");
    const { said } = start(MEMBERS, listed("a", 1, "voter"));
    assert.deepEqual(said, []);
    startsWith(SELF, "existing");
  });

  it("founds a cluster where it was told so, whoever answers", () => {
    machine.put("data/found", "");
    const { said, asked } = start(MEMBERS, ...both);
    startsWith(SELF, "new");
    assert.deepEqual([said, asked], [["etcd vm2: founds a cluster"], []]);
    assert.ok(!existsSync(machine.at("data", "found")), "without its data it would found another");
  });

  it("founds a cluster where it is alone, and asks nobody", () => {
    const { said } = start(MEMBERS.slice(1, 2));
    startsWith(SELF, "new");
    assert.deepEqual(said, ["etcd vm2: founds a cluster"]);
  });

  it("joins the others as a learner, and votes once it has caught up", () => {
    machine.put("behind", "3");
    const { said, asked } = start(MEMBERS, ...both);
    startsWith(`${OTHERS},${SELF}`, "existing");
    assert.deepEqual(asked, [ADD, ...Array<string>(4).fill("member promote new")]);
    assert.deepEqual(said, [VOTES]);
    assert.ok(
      machine
        .lines("list")
        .includes(listed("new", 2, "voter").replace(", https://10.0.0.2:2379", ", ")),
    );
  });

  it("joins, or founds, again after a start that made its folder and no more", () => {
    machine.put("data/member/member/snap/db", "");
    start(MEMBERS, ...both, listed("b2", 2, "unstarted"));
    startsWith(`${OTHERS},${SELF}`, "existing");
    rmSync(machine.at("data/member/member/wal"), { recursive: true });
    machine.put("data/found", "");
    start(MEMBERS);
    startsWith(SELF, "new");
  });

  it("starts with those alone that have started", () => {
    start(MEMBERS, both[0] ?? "", listed("a3", 3, "unstarted"));
    startsWith(`vm1=https://10.0.0.1:2380,${SELF}`, "existing");
  });

  it("waits while nobody answers", () => {
    machine.put("silent", "3");
    const { said } = start(MEMBERS, ...both);
    const reason = "(none of https://10.0.0.1:2379,https://10.0.0.3:2379 answers)";
    assert.deepEqual(said, [...Array<string>(3).fill(`${WAITS} ${reason}`), VOTES]);
    startsWith(`${OTHERS},${SELF}`, "existing");
  });

  it("waits while the others take nobody in, and says why", () => {
    machine.put("full", "2");
    const { said, asked } = start(MEMBERS, ...both);
    const waits = `${WAITS} (etcdserver: too many learner members in cluster)`;
    assert.deepEqual(said, [waits, waits, VOTES]);
    assert.deepEqual(asked.slice(0, 3), [ADD, ADD, ADD]);
  });

  for (const [what, former] of [
    ["of its name, in another place", listed("b2", 7, "voter").replace("vm7", "vm2")],
    ["of its address, that never started", listed("b2", 2, "unstarted")],
    ["of both", listed("b2", 2, "learner")],
  ] as const) {
    it(`removes an earlier member ${what}`, () => {
      const { said, asked } = start(MEMBERS, ...both, former);
      startsWith(`${OTHERS},${SELF}`, "existing");
      assert.deepEqual(asked.slice(0, 2), ["member remove b2", ADD]);
      const removing =
        "the cluster knows an earlier member b2 of this name or address: removing it";
      assert.deepEqual(said, [`etcd vm2: ${removing}`, VOTES]);
    });
  }

  it("gets its vote after a restart, too", () => {
    machine.put(LOG, "");
    machine.put("silent", "2");
    const { said, asked } = start(MEMBERS, ...both, listed("a2", 2, "learner"));
    startsWith(SELF, "existing");
    assert.deepEqual([said, asked], [[VOTES], ["member promote a2"]]);
  });
});

describe("etcd-found.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    const docker = `
echo "$1 $2 \${*: -1}" >> "$FOLDER/asked"
if [ "$2" = create ]; then mkdir -p "$FOLDER/volume"; fi
if [ "$2" = inspect ]; then echo "$FOLDER/volume"; fi`;
    machine = new StandIns({ docker });
  });
  afterEach(() => {
    machine.remove();
  });
  const { getuid, getgid } = process;
  const owner = `${String(getuid?.())}:${String(getgid?.())}`;
  const found = () => machine.run(scriptOf("database", "etcd-found.sh"), ["trivet-etcd", owner]);
  const done = { status: 0, stdout: "", stderr: "" };
  const modeOf = (...path: string[]) => statSync(machine.at("volume", ...path)).mode & 0o777;

  it("marks a volume that is empty, for etcd's user alone", () => {
    assert.deepEqual(found(), done);
    assert.deepEqual([modeOf(), modeOf("found")], [0o700, 0o600]);
    assert.deepEqual(machine.lines("asked"), [
      "volume create trivet-etcd",
      "volume inspect trivet-etcd",
    ]);
    assert.deepEqual(found(), done);
  });

  it("leaves a volume with data as it is", () => {
    machine.put("volume/member/wal", "");
    const before = modeOf();
    assert.deepEqual(found(), done);
    assert.ok(!existsSync(machine.at("volume", "found")));
    assert.equal(modeOf(), before);
  });
});

describe("etcd-members.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    const docker = `
again() { local left; left=$(cat "$FOLDER/$1" 2> /dev/null || echo 0); [ "$left" != 0 ] && echo $((left - 1)) > "$FOLDER/$1"; }
case "$1 $*" in
  "volume "*" trivet-etcd") [ -e "$FOLDER/volume" ] && echo "$FOLDER/volume" ;;
  "service service inspect etcd-vm1") [ ! -e "$FOLDER/destroyed" ] ;;
  "ps "*service.name=etcd-vm1*) again stopped || printf 'c1\\nc0\\n' ;;
  "exec "*"member list") [ "$2" = c1 ] && cat "$FOLDER/list" ;;
  "exec "*) cat; [ "$2" = c1 ] && echo "\${*: -3}" >> "$FOLDER/asked" ;;
esac`;
    machine = new StandIns({ docker, hostname: "echo vm", sleep: "" });
    machine.put(LOG.replace("data/", "volume/"), "");
  });
  afterEach(() => {
    machine.remove();
  });
  function tidy(...list: string[]) {
    machine.put("list", list.map((line) => `${line}\n`).join(""));
    const machines = MEMBERS.flatMap(({ name, address }) => [name, address]);
    const words = ["etcd-vm1", "trivet-etcd", ...machines];
    const { status, stderr } = machine.run(
      scriptOf(".", "swarm/lib.sh", "database/etcd-members.sh"),
      words,
    );
    return { status, said: stderr, asked: machine.lines("asked") };
  }
  const all = [listed("a1", 1, "voter"), listed("a2", 2, "voter"), listed("a3", 3, "learner")];
  const removing = (name: string) =>
    `removing member ${name} of etcd: it is no machine of the platform any more\n`;
  const nothing = { status: 0, said: "", asked: [] };

  it("removes those whose machine is gone, all of them", () => {
    assert.deepEqual(tidy(listed("b7", 7, "voter"), ...all, listed("b11", 11, "voter")), {
      status: 0,
      said: removing("vm7") + removing("vm11"),
      asked: ["member remove b7", "member remove b11"],
    });
  });

  it("removes one whose machine went before it had joined", () => {
    assert.deepEqual(tidy(...all, listed("c7", 7, "unstarted")), {
      status: 0,
      said: removing("at https://10.0.0.7:2380"),
      asked: ["member remove c7"],
    });
  });

  it("leaves the others, and one that is just joining", () => {
    assert.deepEqual(tidy(...all.slice(0, 2), listed("c3", 3, "unstarted")), nothing);
  });

  it("does nothing on a machine that was never a member", () => {
    machine.put("stopped", "99");
    rmSync(machine.at(LOG.replace("data/", "volume/")));
    assert.deepEqual(tidy(listed("b7", 7, "voter")), nothing, "with a volume");
    rmSync(machine.at("volume"), { recursive: true });
    assert.deepEqual(tidy(listed("b7", 7, "voter")), nothing, "without one");
  });

  it("does nothing where the service is yet to be made, after a destroy", () => {
    machine.put("destroyed", "");
    machine.put("stopped", "99");
    assert.deepEqual(tidy(listed("b7", 7, "voter")), nothing);
  });

  it("takes no warning for a member", () => {
    const warning = '{"level":"warn", "logger":"etcd-client", "msg":"retrying", "x":1}';
    assert.deepEqual(tidy(warning, ...all), nothing);
  });

  it("waits for its own member", () => {
    machine.put("stopped", "3");
    assert.deepEqual(tidy(...all), nothing);
  });

  it("says where its own member does not run", () => {
    machine.put("stopped", "99");
    const { status, said } = tidy(...all);
    assert.equal(status, 1);
    assert.match(
      said,
      /^the members of etcd cannot be asked for: service etcd-vm1 has no running container on vm$/m,
    );
  });
});
