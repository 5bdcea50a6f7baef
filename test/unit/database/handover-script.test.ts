import assert from "node:assert/strict";
import { scriptOf, StandIns } from "../support/stand-ins";

/**
 * Patroni's members are a file; what is changed is noted. A standby that is late follows once somebody has waited, a switchover
 * moves the primary unless Patroni refuses it.
 */
const DOCKER = `
case "$*" in
  ps*service.name=postgres-vm1) cat "$FOLDER/containers"; exit ;;
  inspect*" c1") echo sha256:old; exit ;;
  *" list "*)
    if [ -e "$FOLDER/silent" ]; then exit 1; fi
    sed 's/,/\\t/g' "$FOLDER/members"
    if [ -e "$FOLDER/late" ] && grep -q . "$FOLDER/slept" 2> /dev/null; then sed -i 's/Replica,starting/Quorum Standby,streaming/' "$FOLDER/members"; fi
    exit ;;
esac
case "$*" in
  *CHECKPOINT)
    echo "$*" | sed 's/exec c1 //' >> "$FOLDER/asked"
    [ ! -e "$FOLDER/failing" ] ;;
  "exec -i c1 python3 "*)
    echo connected >&2
    read -r line
    echo "\${*:4}" >> "$FOLDER/asked"
    if [ -e "$FOLDER/refused" ]; then echo "412 no good candidates"; exit; fi
    if [ -e "$FOLDER/unsure" ]; then echo "503 Switchover status unknown"; else echo "200 Switched over"; fi
    sed -i 's/Leader,running/Quorum Standby,streaming/; /vm3/s/Quorum Standby,streaming/Leader,running/' "$FOLDER/members" ;;
esac
`;
/** Patroni says on lines of their own why a member has to be restarted. */
const MEMBERS = `Cluster,Member,Host,Role,State,TL,Lag in MB
postgres,vm1,10.0.0.1,Leader,running,8,
postgres,vm2,10.0.0.2,Quorum Standby,streaming,8,0
postgres,vm3,10.0.0.3,Quorum Standby,streaming,8,0
max_connections: 100->200
`;
const MARKER = "/tmp/marker";
/** What is asked for, in this order: queries are held before Patroni is asked, and go on afterwards. */
const SWITCHED: readonly string[] = [
  "psql --no-psqlrc --quiet --username postgres --command SET statement_timeout = 0 --command CHECKPOINT",
  "nft -f -",
  `python3 -c PROGRAM vm1  ${MARKER}`,
  "nft delete table inet trivet_handover",
];

describe("handover.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({
      docker: DOCKER,
      nft: 'echo "nft $*" >> "$FOLDER/asked"; [ "$1" != -f ] || cat > "$FOLDER/rules"',
      sleep: 'echo "$*" >> "$FOLDER/slept"',
    });
    machine.put("containers", "c1\nc0\n");
    machine.put("members", MEMBERS);
  });
  afterEach(() => {
    machine.remove();
  });
  function run(image = "sha256:new") {
    const words = ["postgres-vm1", "vm1", image, MARKER, "PROGRAM", "8008"];
    const { status, stderr } = machine.run(
      scriptOf(".", "swarm/lib.sh", "database/handover.sh"),
      words,
    );
    assert.equal(status, 0, stderr);
    const slept = machine.lines("slept").filter((seconds) => seconds === "1").length;
    return { asked: machine.lines("asked"), slept, said: stderr };
  }

  it("switches over before the primary's image changes", () => {
    const { asked, slept, said } = run();
    assert.deepEqual(asked, SWITCHED);
    assert.equal(slept, 0);
    assert.match(said, /^vm1 gets another image: the primary goes to another machine first$/m);
    assert.match(machine.lines("members").join("\n"), /vm3,10.0.0.3,Leader/);
    assert.match(
      machine.lines("rules").join("\n"),
      /timeout 1m; elements = \{ 8008 \}.*tcp dport @refused ct state new reject with tcp reset/s,
    );
  });
  it("looks for itself where Patroni is not sure", () => {
    machine.put("unsure", "");
    const { asked, said } = run();
    assert.deepEqual(asked, SWITCHED);
    assert.doesNotMatch(said, /keeps the primary/);
  });

  it("waits for a standby that has just been given its own", () => {
    machine.put("members", MEMBERS.replace("Quorum Standby,streaming", "Replica,starting"));
    machine.put("late", "");
    const { asked, slept } = run();
    assert.deepEqual(asked, SWITCHED);
    assert.equal(slept, 2);
  });

  const nothing = (why: string, prepare: () => void, image?: string) => {
    it(`does nothing ${why}`, () => {
      prepare();
      assert.deepEqual(run(image), { asked: [], slept: 0, said: "" });
    });
  };
  nothing("where the image stays", () => undefined, "sha256:old");
  nothing("where nothing runs yet", () => {
    machine.put("containers", "");
  });
  it("leaves it to the stop where there is no standby yet", () => {
    machine.put("members", MEMBERS.split("\n").slice(0, 2).join("\n"));
    assert.deepEqual(run().asked, []);
  });
  it("switches over although the checkpoint fails", () => {
    machine.put("failing", "");
    assert.deepEqual(run().asked, SWITCHED);
  });
  /** This machine's member is `here`, the standby beside it `other`; vm3 has the primary. */
  const behindVm3 = (here: string, other: string) => {
    const lines = MEMBERS.replace("Quorum Standby,streaming", other).split("\n");
    const roles = lines.map((line) =>
      line.startsWith("postgres,vm1,")
        ? line.replace("Leader,running", here)
        : line.replace(/(vm3.*)Quorum Standby,streaming/, "$1Leader,running"),
    );
    machine.put("members", roles.join("\n"));
  };
  nothing("on a standby's machine while the other one follows", () => {
    behindVm3("Quorum Standby,streaming", "Quorum Standby,streaming");
  });
  nothing("where the standby itself does not follow", () => {
    behindVm3("Replica,stopped", "Quorum Standby,streaming");
  });
  it("waits on a standby's machine for one that has just been given its own", () => {
    behindVm3("Quorum Standby,streaming", "Replica,starting");
    machine.put("late", "");
    assert.deepEqual(run(), { asked: [], slept: 2, said: "" });
  });
  it("says so where another standby does not follow in time, and goes on", () => {
    behindVm3("Quorum Standby,streaming", "Replica,starting");
    const { asked, slept, said } = run();
    assert.deepEqual(asked, []);
    assert.equal(slept, 60);
    assert.equal(
      said,
      "vm1 gets another image although another standby does not follow the primary\n",
    );
  });

  it("leaves it to the stop where a standby does not follow, Patroni refuses, or it does not answer", () => {
    machine.put("members", MEMBERS.replace("Quorum Standby,streaming", "Replica,starting"));
    const { asked, said } = run();
    assert.deepEqual(asked, []);
    assert.equal(said, "vm1 keeps the primary until it stops: not every standby follows it\n");
    machine.put("members", MEMBERS);
    machine.put("refused", "");
    const refusal = run();
    assert.deepEqual(refusal.asked, SWITCHED);
    assert.match(refusal.said, /Patroni did not switch over \(412 no good candidates\)$/m);
    machine.put("silent", "");
    machine.put("asked", "");
    assert.deepEqual(run().asked, []);
  });
});
