import assert from "node:assert/strict";
import type { PlatformConfig } from "../../../stacks/config";
import { mayBeAway } from "../../../stacks/away";
import type { Finding } from "../../../stacks/probe";
import * as refused from "../../../stacks/refusals";
import type { ClockOffset, Report } from "../../../stacks/report";
import type { Previous } from "../../../stacks/transitions";
import { machine, parsed } from "./config/fixture";
import { OTHER_KEY, was } from "./previous";
import { THREE } from "./program";

const { app1, ...core } = THREE;
const five = { ...core, vm4: machine(4), vm5: machine(5) };

type Told = Readonly<Record<string, Report | "silent">>;

/** What comes of machines that told this; those not named answer and tell nothing. */
function situation(machines: object, told: Told, previous?: Previous): refused.Situation {
  const config: PlatformConfig = parsed({ machines });
  const findings = Object.fromEntries(
    Object.keys(config.machines).map((name): [string, Finding] => {
      const { [name]: report = {} } = told;
      if (report === "silent") return [name, { state: "silent", said: "no route" }];
      return [name, { state: "answers", said: "", report }];
    }),
  );
  return { config, findings, previous, away: mayBeAway(config, findings, previous) };
}
const label = (number: number) => `trivet:machines.vm${number} (192.0.2.${number} port 22): `;

describe("clocks that are apart", () => {
  const at = (least: number, most = least): { clock: ClockOffset } => ({ clock: { least, most } });
  const told = (clocks: Told) => refused.clocksApart(situation(THREE, clocks));
  const SYNCHRONISE =
    ". Switch on time synchronisation on both (timedatectl set-ntp true, with systemd-timesyncd or chrony installed); a machine that has just started needs a minute for it";

  it("are named, with both machines and the seconds", () => {
    assert.deepEqual(told({ vm1: at(0, 1), vm2: at(0, 1), vm3: at(9, 10.5) }), [
      `${label(3)}its clock is 9.3 s ahead of that of vm1${SYNCHRONISE}`,
    ]);
    assert.deepEqual(told({ vm1: at(-90), vm2: at(0), vm3: at(0) }), [
      `${label(1)}its clock is 90.0 s behind that of vm2${SYNCHRONISE}`,
    ]);
  });
  it("are those of machines that agree with each other and not with this computer: no", () => {
    assert.deepEqual(told({ vm1: at(500), vm2: at(500.5), vm3: at(500.9), app1: at(500) }), []);
  });
  it("are not where the logins may have made the difference", () => {
    assert.deepEqual(told({ vm1: at(0, 3), vm2: at(3.9, 6), vm3: at(0, 6) }), []);
    assert.equal(told({ vm1: at(0, 3), vm2: at(4.1, 6), vm3: at(0, 6) }).length, 1);
  });
  it("are named pair by pair where none is the wrong one", () => {
    assert.deepEqual(
      told({ vm1: at(0), vm2: at(0.7), vm3: at(1.4) }).map((line) => line.slice(0, 80)),
      [`${label(1)}its clock is 1.4 s behind that of vm3. Sw`.slice(0, 80)],
    );
    assert.equal(told({ vm1: at(0), vm2: at(50), vm3: at(100) }).length, 2);
  });
  it("are none where nobody told, and one silent machine counts for nothing", () => {
    assert.deepEqual(told({}), []);
    assert.deepEqual(told({ vm1: at(0), vm2: "silent", vm3: at(0) }), []);
  });
});

describe("machines of another Swarm", () => {
  const OURS = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
  const inSwarm = (id: string | undefined, managers: readonly string[], state = "active") => ({
    swarm: { state, managers, ...(id !== undefined && { id }) },
  });
  const none = inSwarm(undefined, [], "inactive");
  const ours = inSwarm("ours", OURS);
  const told = (machines: object, reports: Told, previous?: Previous) =>
    refused.foreignSwarms(situation(machines, reports, previous));

  const fine: [string, object, Told, Previous | undefined][] = [
    ["bare machines", core, { vm1: none, vm2: none, vm3: none }, undefined],
    ["one Swarm of them all", core, { vm1: ours, vm2: ours, vm3: ours }, was(1, 2, 3)],
    [
      "a Swarm left by an earlier life of the stack",
      core,
      { vm1: ours, vm2: ours, vm3: ours },
      undefined,
    ],
    [
      "growing from one to three",
      core,
      { vm1: inSwarm("ours", ["10.0.0.1"]), vm2: none, vm3: none },
      was(1),
    ],
    [
      "one that an interrupted update has joined",
      core,
      { vm1: ours, vm2: ours, vm3: ours },
      was(1),
    ],
    [
      "a worker, which knows its managers only",
      THREE,
      { vm1: ours, vm2: ours, vm3: ours, app1: inSwarm(undefined, OURS) },
      was(1, 2, 3),
    ],
    ["no answer of Docker", core, { vm1: {}, vm2: ours, vm3: {} }, was(1, 2, 3)],
    [
      "a member whose Swarm is locked",
      core,
      { vm1: ours, vm2: ours, vm3: inSwarm(undefined, [], "locked") },
      was(1, 2, 3),
    ],
  ];
  for (const [title, machines, reports, previous] of fine) {
    it(`are not: ${title}`, () => {
      assert.deepEqual(told(machines, reports, previous), []);
    });
  }

  it("are told apart from all core machines", () => {
    const foreign = inSwarm("theirs", ["198.51.100.7", "198.51.100.8"]);
    assert.deepEqual(
      told(core, { vm1: none, vm2: foreign, vm3: inSwarm(undefined, ["10.9.9.9"]) }),
      [
        `${label(2)}is in a Swarm that no core machine of this stack manages (ID theirs, managers: 198.51.100.7, 198.51.100.8). If nothing there needs it, run docker swarm leave --force there`,
        `${label(3)}is in a Swarm that no core machine of this stack manages (managers: 10.9.9.9). If nothing there needs it, run docker swarm leave --force there`,
      ],
    );
  });

  it("are told apart at the first update, when nobody is new", () => {
    const swarm = { ...inSwarm("a", ["10.0.0.2"]).swarm, isManager: true, nodes: ["n1"] };
    const at = (more: object, previous?: Previous) =>
      told(core, { vm1: none, vm2: { swarm: { ...swarm, ...more } }, vm3: none }, previous);
    assert.deepEqual(at({ isPlatforms: false, owned: 0 }), [
      `${label(2)}is in a Swarm already, and none of its nodes is a machine of a platform (ID a, managers: 10.0.0.2). If nothing there needs it, run docker swarm leave --force there`,
    ]);
    assert.deepEqual(at({ isPlatforms: true, owned: 7 }), [
      `${label(2)}is a machine of another stack, whose services run there (ID a, managers: 10.0.0.2). Take it out of that one, or give this one another machine; if that stack's state was lost, restore it`,
    ]);
    assert.deepEqual(at({ isPlatforms: true, owned: 0 }), []);
    assert.deepEqual(at({ isPlatforms: true, owned: 7 }, was(1, 2, 3)), []);
    const founded = situation(core, { vm2: { swarm: { ...swarm, isPlatforms: true, owned: 7 } } });
    assert.deepEqual(refused.foreignSwarms({ ...founded, isFounded: true }), []);
  });

  it("are named together where nobody was there first", () => {
    const [a, b] = [inSwarm("a", ["10.0.0.1"]), inSwarm("b", ["10.0.0.2"])];
    assert.deepEqual(told(core, { vm1: a, vm2: b, vm3: none }), [
      "trivet:machines: vm1 and vm2 are in different Swarms (vm1: a, vm2: b). On each whose Swarm nothing needs, run docker swarm leave --force",
    ]);
    assert.equal(told(core, { vm1: a, vm2: b, vm3: none }, was(1, 2, 3)).length, 1);
  });

  it("are named where they are new to the stack", () => {
    const advice = ". If nothing there needs it, run docker swarm leave --force there";
    const own = inSwarm("own", ["10.0.0.2"]);
    const alone = inSwarm("ours", ["10.0.0.1"]);
    const start = "is new to this stack, and in a Swarm of its own already";
    assert.deepEqual(told(core, { vm1: alone, vm2: own, vm3: none }, was(1)), [
      `${label(2)}${start} (ID own, managers: 10.0.0.2)${advice}`,
    ]);
    // The first machine's Docker gave no answer.
    assert.deepEqual(told(core, { vm1: {}, vm2: own, vm3: none }, was(1)), [
      `${label(2)}${start} (ID own, managers: 10.0.0.2)${advice}`,
    ]);
    assert.deepEqual(told(core, { vm1: alone, vm2: inSwarm(undefined, [], "locked") }, was(1)), [
      `${label(2)}${start} (state locked, managers: none known)${advice}`,
    ]);
    // Sent away earlier: its certificate is of this Swarm.
    assert.deepEqual(told(core, { vm1: alone, vm2: inSwarm("ours", [], "error") }, was(1)), []);
    const worker = inSwarm(undefined, ["10.0.0.2"]);
    const joined = inSwarm(undefined, ["10.0.0.1", "10.0.0.2"]);
    assert.equal(told({ ...core, app1 }, { vm1: alone, app1: worker }, was(1)).length, 1);
    assert.deepEqual(told({ ...core, app1 }, { vm1: alone, app1: joined }, was(1)), []);
  });
});

describe("machines with another database's data", () => {
  const [mine, theirs] = [{ postgres: "71" }, { postgres: "72" }];
  const told = (reports: Told, previous?: Previous, machines: object = core) =>
    refused.foreignData(situation(machines, reports, previous));
  const REMOVE = "docker volume rm trivet-postgres trivet-etcd, once no container there uses them";

  it("are not: empty ones, and all that have the same", () => {
    for (const previous of [undefined, was(1), was(1, 2, 3)]) {
      assert.deepEqual(told({}, previous), []);
      assert.deepEqual(told({ vm1: mine }, previous), []);
      assert.deepEqual(told({ vm1: mine, vm2: mine, vm3: mine }, previous), []);
    }
    assert.deepEqual(told({ vm2: mine }, was(1, 2, 3)), [], "one that comes back empty");
    assert.deepEqual(told({ vm1: mine, app1: theirs }, undefined, THREE), [], "no core machine");
  });

  it("are not left beside an empty founder", () => {
    const [problem = "", ...others] = told({ vm2: mine, vm3: mine });
    assert.deepEqual(others, []);
    assert.ok(
      problem.startsWith(
        `${label(1)}is the first core machine of a stack that was never up, and shows no data, while vm2 and vm3 hold data of a Postgres cluster. If the stack's state was lost, restore it,`,
      ),
    );
    assert.match(told({ vm3: mine }).join("\n"), /while vm3 holds data/);
  });

  it("are named together where nobody was there first, and where all were", () => {
    for (const previous of [undefined, was(1, 2, 3)]) {
      assert.deepEqual(told({ vm1: mine, vm3: theirs }, previous), [
        `trivet:machines: vm1 and vm3 hold data of different Postgres clusters (identifier of vm1: 71, vm3: 72). On each whose data is not needed, run: ${REMOVE}`,
      ]);
    }
  });

  it("are named where they are new to the stack", () => {
    const start = "is new to this stack, and holds data of another Postgres cluster";
    const advice = `. If that data is not needed, run there: ${REMOVE}`;
    assert.deepEqual(told({ vm1: mine, vm2: theirs, vm3: mine }, was(1)), [
      `${label(2)}${start} (identifier 72) than vm1 (identifier 71)${advice}`,
    ]);
    const anew = { ...core, vm3: { ...machine(3), hostKey: OTHER_KEY } };
    assert.deepEqual(told({ vm3: theirs }, was(1, 2, 3), anew), [
      `${label(3)}${start} (identifier 72) than vm1 and vm2 (no data)${advice}`,
    ]);
  });
});

describe("updates that would leave too few members", () => {
  const told = (machines: object, reports: Told, previous: Previous) =>
    refused.tooFewStay(situation(machines, reports, previous));

  it("are refused: one replaced while another is silent", () => {
    assert.deepEqual(told({ ...core, vm2: machine(9) }, { vm3: "silent" }, was(1, 2, 3)), [
      "trivet:machines.vm2 (192.0.2.9 port 22): would be replaced while vm3 does not answer: that leaves 1 of 3 members, too few to decide anything. Start vm3 first, or set trivet:machines.vm2 back",
    ]);
  });
  it("are refused: growing while the only one is silent", () => {
    const lines = told(core, { vm1: "silent" }, was(1));
    assert.equal(lines.length, 2);
    assert.match(
      lines[0] ?? "",
      /^trivet:machines\.vm2 .* would be added while vm1 does not answer: that leaves 0 of 1 members/,
    );
  });
  it("are refused: two of five removed while one is silent", () => {
    const lines = told(core, { vm3: "silent" }, was(1, 2, 3, 4, 5));
    assert.deepEqual(
      lines.map((line) => line.split(":").slice(0, 3).join(":")),
      [4, 5].map((n) => `trivet:machines.vm${n}: would be removed while vm3 does not answer`),
    );
  });
  it("are refused: one more while another is silent, whatever the majority", () => {
    const silent: Told = { vm3: "silent" };
    const told4 = told(five, silent, was(1, 2, 3));
    assert.equal(told4.length, 2);
    assert.match(
      told4[0] ?? "",
      /vm4 .*: would be added while vm3 does not answer: etcd takes no member in while another is silent\. Start vm3 first/,
    );
    const replaced = told({ ...five, vm2: machine(9) }, silent, was(1, 2, 3, 4, 5));
    assert.match(replaced.join("\n"), /^trivet:machines\.vm2 .* would be replaced while vm3/);
  });
  const fine: [string, object, Told, Previous][] = [
    ["nothing changes", core, { vm3: "silent" }, was(1, 2, 3)],
    ["all answer", { ...core, vm2: machine(9) }, {}, was(1, 2, 3)],
  ];
  for (const [title, machines, reports, previous] of fine) {
    it(`are not: ${title}`, () => {
      assert.deepEqual(told(machines, reports, previous), []);
    });
  }
});

describe("updates that would remove the only copy of the database", () => {
  const inactive = { swarm: { state: "inactive", managers: [] } };
  const told = (reports: Told, machines: object = { ...core, vm1: machine(9) }) =>
    refused.onlyCopy(situation(machines, reports, was(1, 2, 3)));

  it("are refused", () => {
    assert.deepEqual(told({ vm2: inactive, vm3: inactive }), [
      "trivet:machines.vm1 (192.0.2.9 port 22): would be replaced, and no copy of the database is on vm2 and vm3. Set it back, run the update, and see with ./scripts/trivet status that every core machine has a copy",
    ]);
  });
  it("are not where another one has a copy, may have one, or nobody goes", () => {
    assert.deepEqual(told({ vm2: { ...inactive, postgres: "71" }, vm3: inactive }), []);
    assert.deepEqual(told({ vm2: {}, vm3: inactive }), []);
    assert.deepEqual(told({ vm1: inactive, vm2: inactive, vm3: inactive }, core), []);
  });
});

it("everything that is wrong is told at once", () => {
  const reports: Told = {
    vm1: {
      clock: { least: 0, most: 0 },
      postgres: "71",
      swarm: { state: "active", id: "a", managers: ["10.0.0.1"] },
    },
    vm2: {
      clock: { least: 9, most: 9 },
      postgres: "72",
      swarm: { state: "active", id: "b", managers: ["10.0.0.2"] },
    },
  };
  const all = refused.refusals(situation(core, reports));
  assert.deepEqual(
    all.map((line) => /clock|Swarm|Postgres/.exec(line)?.[0]),
    ["clock", "Swarm", "Postgres"],
  );
});
