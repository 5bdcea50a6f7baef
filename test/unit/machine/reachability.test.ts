import assert from "node:assert/strict";
import { findUnreachable, portsBetween } from "../../../components/machine/reachability";
import { host, hosts } from "../support/platform";
import { StandIns } from "../support/stand-ins";

const CORE = "2377,2379,2380,5432,6379,7946,8008,26379";
const FROM_APP = "2377,5432,6379,7946,8008";
const UDP = "4789,7946";

describe("ports between machines", () => {
  const table = [
    ["core", "core", CORE],
    ["app", "core", FROM_APP],
    ["core", "app", "7946"],
    ["app", "app", "7946"],
  ] as const;
  for (const [from, to, expected] of table) {
    it(`from ${from} to ${to}`, () => {
      const { tcp, udp } = portsBetween(from, to);
      assert.deepEqual([tcp.join(), udp.join()], [expected, UDP]);
    });
  }
});

/** Notes which step it was to run where, with the arguments; one that listens says at which ports. */
const SSH = `
for address in "$@"; do case $address in ssh://*) break ;; esac; done
script=$(cat)
step=$(grep -om1 'Listens for a while\\|Tries every port\\|Gives the ports back' <<< "$script")
ip=\${address#*@} ip=\${ip%:*}
echo "$ip \${step%% *} $(sed -n 's/^set -- *//p' <<< "$script" | head -n 1)" >> "$FOLDER/asked"
if [ -e "$FOLDER/\${step%% *}-$ip" ]; then . "$FOLDER/\${step%% *}-$ip"; fi
if [ "\${step%% *}" = Listens ]; then echo "held-$ip udp-$ip"; fi
`;

describe("findUnreachable", () => {
  let machine: StandIns;
  const { PATH, FOLDER } = process.env;
  beforeEach(() => {
    machine = new StandIns({ ssh: SSH });
    process.env.PATH = `${machine.at("bin")}:${PATH ?? ""}`;
    process.env.FOLDER = machine.folder;
  });
  afterEach(() => {
    process.env.PATH = PATH;
    if (FOLDER === undefined) delete process.env.FOLDER;
    else process.env.FOLDER = FOLDER;
    machine.remove();
  });
  const app = host("app1", 9);
  const steps = () => machine.lines("asked").map((line) => line.split(" ")[1]);
  const argsOf = (ip: string, step: string) =>
    machine
      .lines("asked")
      .find((line) => line.startsWith(`${ip} ${step} `))
      ?.split(" ")
      .slice(2)
      .join(" ");

  it("listens everywhere, then connects everywhere, then gives the ports back", async () => {
    assert.deepEqual(await findUnreachable({ core: hosts(3), app: [app] }), {});
    const four = (step: string) => Array.from({ length: 4 }, () => step);
    assert.deepEqual(steps(), [...four("Listens"), ...four("Tries"), ...four("Gives")]);
  });

  it("listens at what the others need, and lets all of them in", async () => {
    await findUnreachable({ core: hosts(1), app: [app] });
    const all = "10.0.0.1,10.0.0.9";
    assert.equal(argsOf("203.0.113.1", "Listens"), `vm1 10.0.0.1 ${CORE} ${UDP} ${all}`);
    assert.equal(argsOf("203.0.113.9", "Listens"), `app1 10.0.0.9 7946 ${UDP} ${all}`);
  });

  it("connects to all others, and knows of each what it listens at", async () => {
    await findUnreachable({ core: hosts(2), app: [app] });
    const to = (name: string, last: number, tcp: string) =>
      `${name} 10.0.0.${last} ${tcp} ${UDP} 'held-203.0.113.${last} udp-203.0.113.${last}'`;
    const tried = (last: number) => argsOf(`203.0.113.${last}`, "Tries");
    assert.equal(tried(1), `vm1 ${to("vm2", 2, CORE)} ${to("app1", 9, "7946")}`);
    assert.equal(tried(9), `app1 ${to("vm1", 1, FROM_APP)} ${to("vm2", 2, FROM_APP)}`);
  });

  it("says what each cannot reach, and gives the ports back all the same", async () => {
    const all = `cannot reach vm1 at ${"2379, ".repeat(100)}2380`;
    machine.put("Tries-203.0.113.2", `echo 'vm2: ${all}' >&2; exit 1`);
    machine.put("Tries-203.0.113.3", "echo 'sudo: a password is required' >&2; exit 1");
    assert.deepEqual(await findUnreachable({ core: hosts(3) }), {
      vm2: all,
      vm3: "cannot try ports (sudo: a password is required)",
    });
    assert.deepEqual(steps().slice(-3), ["Gives", "Gives", "Gives"]);
  });

  it("tries nothing where one cannot listen", async () => {
    machine.put("Listens-203.0.113.3", "echo 'vm3: has no command perl' >&2; exit 1");
    assert.deepEqual(await findUnreachable({ core: hosts(3) }), { vm3: "has no command perl" });
    assert.ok(!steps().includes("Tries"));
    assert.equal(steps().at(-1), "Gives");
  });

  it("tries nothing with one machine", async () => {
    assert.deepEqual(await findUnreachable({ core: hosts(1) }), {});
    assert.deepEqual(steps(), []);
  });

  it("reports all bad arguments at once", async () => {
    await assert.rejects(findUnreachable({ core: [], app: [app, app] }), {
      problems: ["hosts: repeats app1", "core: is empty, needs at least one entry"],
    });
    assert.deepEqual(steps(), []);
  });
});
