import assert from "node:assert/strict";
import { scriptOf, StandIns } from "../support/stand-ins";

/**
 * The Swarm is a file: identity, address, state, role and label of a node on each line. What is asked
 * for but not shown is noted. A node that comes late is there at the fourth look.
 */
const DOCKER = `
swarm=$FOLDER/nodes; id=\${*: -1}
change() { awk -v id="$id" -v field="$1" -v to="$2" '$1 == id { $field = to } { print }' "$swarm" > "$swarm.new"; mv "$swarm.new" "$swarm"; }
case "$1 $2" in
  "node ls")
    echo look >> "$FOLDER/looks"
    if [ -e "$FOLDER/late" ] && [ "$(wc -l < "$FOLDER/looks")" = 4 ]; then cat "$FOLDER/late" >> "$swarm"; fi
    awk '{ print $1 }' "$swarm"; exit ;;
  "node inspect")
    case "$*" in *trivet.leaving*) grep -qx "$id" "$FOLDER/leaving" 2> /dev/null && echo true; exit 0 ;; esac
    shift 4; awk -v ids=" $* " 'index(ids, " " $1 " ")' "$swarm"; exit ;;
  "node ps") tasks=$(cat "$FOLDER/tasks" 2> /dev/null || echo 0); [ "$tasks" = 0 ] || { echo task; echo $((tasks - 1)) > "$FOLDER/tasks"; } ;;
esac
echo "$*" >> "$FOLDER/asked"
case "$*" in
  *--label-add*) change 5 "$(sed 's/.*trivet.machine=\\([^ ]*\\) .*/\\1/' <<< "$*")"; change 4 "$(sed 's/.*--role \\([^ ]*\\) .*/\\1/' <<< "$*")" ;;
  "node demote"*)
    [ ! -e "$FOLDER/refused" ] || { cat "$FOLDER/refused" >&2; exit 1; }
    change 4 worker ;;
  "node rm"*)
    refusals=$(cat "$FOLDER/refusals" 2> /dev/null || echo 0)
    [ "$refusals" = 0 ] || { echo $((refusals - 1)) > "$FOLDER/refusals"; echo "node $id is a manager" >&2; exit 1; }
    grep -v "^$id " "$swarm" > "$swarm.new" || true; mv "$swarm.new" "$swarm" ;;
esac
`;

const VM1 = ["vm1", "10.0.0.1", "manager", "here"];
const VM2 = ["vm2", "10.0.0.2", "manager", "here"];
const APP1 = ["app1", "10.0.0.9", "worker", "here"];
const away = (machine: readonly string[]) => [...machine.slice(0, 3), "away"];

describe("nodes.sh", () => {
  let swarm: StandIns;
  beforeEach(() => {
    swarm = new StandIns({ docker: DOCKER, sleep: "" });
  });
  afterEach(() => {
    swarm.remove();
  });
  const nodes = () => swarm.lines("nodes");
  const asked = () => swarm.lines("asked").filter((line) => !line.startsWith("node ps"));

  function tidyAs(removed: string, before: readonly string[], ...machines: (readonly string[])[]) {
    swarm.put("nodes", before.map((line) => `${line}\n`).join(""));
    const words = [removed, ...machines.flat()];
    const { status, stdout, stderr } = swarm.run(scriptOf("swarm", "lib.sh", "nodes.sh"), words);
    return { status, printed: stdout, said: stderr };
  }
  const tidy = (before: readonly string[], ...machines: (readonly string[])[]) =>
    withoutOutput(tidyAs("obsolete", before, ...machines));
  const withoutOutput = ({ status, said }: ReturnType<typeof tidyAs>) => ({ status, said });
  const done = { status: 0, said: "" };
  const removing = (id: string, address: string) =>
    `removing node ${id} (${address}): it is no machine of the platform any more\n`;

  it("gives every machine its label and its role", () => {
    const before = [
      "a 10.0.0.1 ready manager -",
      "b 10.0.0.2 ready worker -",
      "c 10.0.0.9 ready manager old",
    ];
    assert.deepEqual(tidy(before, VM1, VM2, APP1), done);
    assert.deepEqual(nodes(), [
      "a 10.0.0.1 ready manager vm1",
      "b 10.0.0.2 ready manager vm2",
      "c 10.0.0.9 ready worker app1",
    ]);
    assert.equal(asked()[0], "node update --label-add trivet.machine=vm1 --role manager a");
  });

  it("changes nothing else when it runs again", () => {
    const level = ["a 10.0.0.1 ready manager vm1", "b 10.0.0.2 ready manager vm2"];
    assert.deepEqual(tidy(level, VM1, VM2), done);
    assert.deepEqual(nodes(), level);
    assert.ok(asked().every((line) => line.startsWith("node update --label-add")));
  });

  it("gives tasks again to a machine that was on its way out, and to no other that is drained", () => {
    const level = ["a 10.0.0.1 ready manager vm1", "b 10.0.0.2 ready worker vm2"];
    swarm.put("leaving", "b\n");
    assert.deepEqual(tidy(level, VM1, VM2), done);
    assert.deepEqual(asked(), [
      "node update --label-add trivet.machine=vm1 --role manager a",
      "node update --label-add trivet.machine=vm2 --role manager b",
      "node update --availability active --label-rm trivet.leaving b",
    ]);
  });

  it("waits for a machine that has just joined", () => {
    swarm.put("late", "b 10.0.0.2 ready worker -\n");
    assert.deepEqual(tidy(["a 10.0.0.1 ready manager vm1"], VM1, VM2), done);
    assert.equal(nodes()[1], "b 10.0.0.2 ready manager vm2");
  });

  it("says which machine does not appear, and removes nobody", () => {
    const before = ["a 10.0.0.1 ready manager vm1", "z 10.0.0.7 ready worker gone"];
    const { status, said } = tidy([...before, "b 10.0.0.2 down worker -"], VM1, VM2);
    assert.equal(status, 1);
    assert.match(
      said,
      /^machine vm2 \(10\.0\.0\.2\) did not appear among the Swarm's nodes within 30 s/,
    );
    assert.deepEqual(asked(), ["node update --label-add trivet.machine=vm1 --role manager a"]);
  });

  it("leaves the node of a machine that is away as it is", () => {
    const before = ["a 10.0.0.1 down manager vm1", "b 10.0.0.2 ready manager vm2"];
    assert.deepEqual(tidy(before, away(VM1), VM2, away(APP1)), done);
    assert.deepEqual(nodes(), before);
    assert.deepEqual(asked(), ["node update --label-add trivet.machine=vm2 --role manager b"]);
  });

  it("leaves a node alone that somebody else added", () => {
    const before = ["a 10.0.0.1 ready manager vm1", "f 10.0.0.7 ready worker -"];
    assert.deepEqual(tidy(before, VM1), done);
    assert.deepEqual(nodes(), before);
  });

  it("removes what a failed join has left, and nobody whose vote stays for another reason", () => {
    const before = ["a 10.0.0.1 ready manager vm1", "z 10.0.0.1 down manager -"];
    swarm.put(
      "refused",
      "rpc error: code = NotFound desc = can't find manager in raft memberlist\n",
    );
    assert.deepEqual(tidy(before, VM1), { status: 0, said: removing("z", "10.0.0.1") });
    assert.deepEqual(nodes(), [before[0]]);
    swarm.put("refused", "context deadline exceeded\n");
    const { status, said } = tidy(before, VM1);
    assert.equal(status, 1);
    assert.ok(said.startsWith(`${removing("z", "10.0.0.1")}context deadline exceeded\n`), said);
    assert.deepEqual(nodes(), before);
  });

  it("empties a node that is no machine any more, and removes it", () => {
    const before = [
      "a 10.0.0.1 ready manager vm1",
      "z 10.0.0.7 ready manager gone",
      "y 10.0.0.8 ready worker old",
    ];
    swarm.put("tasks", "3");
    const said = removing("z", "10.0.0.7") + removing("y", "10.0.0.8");
    assert.deepEqual(tidy(before, VM1), { status: 0, said });
    assert.deepEqual(nodes(), [before[0]]);
    assert.deepEqual(asked().slice(1), [
      "node update --availability drain z",
      "node demote z",
      "node rm --force z",
      "node update --availability drain y",
      "node rm --force y",
    ]);
    // Until nothing runs there any more: three times something did.
    const looks = swarm.lines("asked").filter((line) => line.startsWith("node ps"));
    const look = (id: string) => `node ps --quiet --filter desired-state=running ${id}`;
    assert.deepEqual(looks, [look("z"), look("z"), look("z"), look("z"), look("y")]);
  });

  it("removes what a machine was before it was made anew, without waiting for its end", () => {
    const before = ["old 10.0.0.1 down manager vm1", "a 10.0.0.1 ready worker -"];
    assert.deepEqual(tidy(before, VM1), { status: 0, said: removing("old", "10.0.0.1") });
    assert.deepEqual(nodes(), ["a 10.0.0.1 ready manager vm1"]);
    assert.deepEqual(swarm.lines("asked").slice(1), [
      "node update --availability drain old",
      "node demote old",
      "node rm --force old",
    ]);
  });

  it("removes what left before it got its label, where another one has its place", () => {
    const before = [
      "old 10.0.0.1 down worker -",
      "a 10.0.0.1 ready manager vm1",
      "f 10.0.0.7 down worker -",
    ];
    assert.deepEqual(tidy(before, VM1), { status: 0, said: removing("old", "10.0.0.1") });
    assert.deepEqual(nodes(), before.slice(1));
  });

  it("leaves those that are no machine any more for later, where only replaced ones shall go", () => {
    const before = [
      "a 10.0.0.1 ready manager vm1",
      "o 10.0.0.6 ready manager vm2",
      "b 10.0.0.2 ready worker -",
      "z 10.0.0.7 ready manager gone",
    ];
    const { status, printed, said } = tidyAs("replaced", before, VM1, VM2);
    assert.deepEqual([status, printed, said], [0, "z\n", removing("o", "10.0.0.6")]);
    assert.deepEqual(nodes(), [before[0], "b 10.0.0.2 ready manager vm2", before[3]]);
  });

  it("tries a removal again: a manager takes a moment to become none", () => {
    const before = [
      "a 10.0.0.1 ready manager vm1",
      "z 10.0.0.7 down manager gone",
      "y 10.0.0.8 down worker old",
    ];
    swarm.put("refusals", "2");
    const said = removing("z", "10.0.0.7") + removing("y", "10.0.0.8");
    assert.deepEqual(tidy(before, VM1), { status: 0, said });
    assert.deepEqual(nodes(), [before[0]]);
  });

  it("fails with the reason when a node cannot be removed", () => {
    swarm.put("refusals", "99");
    const { status, said } = tidy(
      ["a 10.0.0.1 ready manager vm1", "z 10.0.0.7 down worker gone"],
      VM1,
    );
    assert.notEqual(status, 0);
    assert.match(said, /^node z is a manager$/m);
  });
});
