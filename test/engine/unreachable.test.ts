import assert from "node:assert/strict";
import { Project, type Said } from "./support/project";
import {
  type Answer,
  otherHostKey,
  probeReport,
  startLockedMachine,
  startPretender,
  type TestMachine,
} from "./support/ssh-server";
import { label, parseState } from "./support/steps";

/** Seconds: one machine that says nothing is asked for 15 s, all at a time. */
const LONGEST_UP = 45;
const SECRET = "kept-out-of-the-state";

interface Places {
  impostor: TestMachine;
  locked: TestMachine;
  closedPort: number;
}

/** Three machines that cannot be used, each for another reason. */
const configuration = ({ impostor, locked, closedPort }: Places) => `config:
  trivet:cloud: ssh
  trivet:machines:
    impostor:
      address: 127.0.0.1
      privateAddress: 192.0.2.11
      port: ${impostor.port}
      hostKey: ${otherHostKey()}
    locked:
      address: 127.0.0.1
      privateAddress: 192.0.2.12
      port: ${locked.port}
      hostKey: ${locked.hostKey}
    silent:
      address: 127.0.0.1
      privateAddress: 192.0.2.13
      port: ${closedPort}
      hostKey: ${otherHostKey()}
  trivet:ssh: { privateKeyPath: ~/.ssh/id_ed25519 }
  trivet:domains: [example.org]
  trivet:services: { web: { image: "shop:1.4" } }
`;

/** What is said of a machine; once, or the test fails. */
function saidOf({ all }: Said, machine: string): string {
  return lineOf(all, `- trivet:machines.${machine} (`);
}

function lineOf(all: string, start: string): string {
  const lines = all.split("\n").filter((line) => line.includes(start));
  assert.equal(lines.length, 1, all);
  return lines[0] ?? "";
}

async function assertNothingMade(project: Project, names: readonly string[]): Promise<void> {
  const types = parseState(await project.state()).resources.map(({ urn }) => label(urn));
  const machines = names.map((name) => `trivet:hosts:SshHost ${name}`);
  // The second one reads the stack's own state.
  const stack = ["pulumi:pulumi:Stack trivet-prod", "pulumi:providers:pulumi default"];
  const nothing = [...stack, ...machines];
  assert.deepEqual(
    types.filter((type) => !nothing.includes(type)),
    [],
  );
}

describe("up on machines that cannot be used", () => {
  const project = new Project("prod");
  let places: Places;
  let said: Said;

  before(async () => {
    places = {
      impostor: await startLockedMachine(),
      locked: await startLockedMachine(),
      // A free port of today may be somebody else's a second later; nobody listens on this one.
      closedPort: 1,
    };
    await project.init(configuration(places));
    await project.setSecret("trivet:services.web.secrets.SECRET_KEY", SECRET);
    said = await project.run("up", "--yes", "--skip-preview");
  });
  after(async () => {
    await places.impostor.stop();
    await places.locked.stop();
    project.remove();
  });

  it("fails within a bounded time", () => {
    assert.notEqual(said.code, 0);
    assert.ok(said.seconds < LONGEST_UP, `took ${said.seconds} s`);
  });

  it("names the machine whose host key is another one, and never signs in there", () => {
    const line = saidOf(said, "impostor");
    assert.match(
      line,
      /shows another host key \(SHA256:\S+\) than trivet:machines\.impostor\.hostKey/,
    );
    assert.ok(
      line.includes(`\`ssh-keyscan -t ed25519 -p ${places.impostor.port} 127.0.0.1\``),
      line,
    );
    assert.equal(places.impostor.signIns(), 0, "proved who it is to an impostor");
  });

  it("names the machine that lets nobody in, and the setting of the key", () => {
    const line = saidOf(said, "locked");
    assert.match(line, /does not let root in with the key of trivet:ssh\.privateKeyPath/);
    assert.ok(places.locked.signIns() > 0);
  });

  it("names the machine that is not there, with its address", () => {
    const refused = `(127.0.0.1 port ${places.closedPort}): does not answer (ssh: connect to host`;
    assert.ok(saidOf(said, "silent").includes(refused), said.all);
    assert.match(saidOf(said, "silent"), /Connection refused\)\. Start it, /);
  });

  it("makes nothing", async () => {
    await assertNothingMade(project, ["impostor", "locked", "silent"]);
  });

  it("shows no secret and no stack trace", () => {
    assert.doesNotMatch(said.all, /^\s+at /m);
    assertNoSecret(said.all);
  });

  it("keeps secrets out of the state", async () => {
    assertNoSecret(await project.state());
  });

  it("leaves neither a lock nor anything half-made: the next up and destroy can run", async () => {
    assert.deepEqual(parseState(await project.state()).pending_operations, []);
    const again = await project.run("up", "--yes", "--skip-preview");
    assert.match(saidOf(again, "impostor"), /shows another host key/);
    const destroyed = await project.run("destroy", "--yes", "--skip-preview");
    assert.equal(destroyed.code, 0, destroyed.all);
    assert.deepEqual(parseState(await project.state()).resources, []);
  });

  function assertNoSecret(text: string): void {
    const key = project.privateKey.split("\n")[2] ?? "";
    assert.ok(key.length > 20, "the key of the test has no third line");
    for (const secret of [key, SECRET, "PRIVATE KEY"]) {
      assert.ok(!text.includes(secret), `shows ${secret}`);
    }
  }
});

const NAMES = ["vm1", "vm2", "vm3"] as const;
type Name = (typeof NAMES)[number];

/** Three machines that can be signed in to, and what an update on them says. */
class Three {
  readonly project = new Project("prod");
  readonly machines = new Map<Name, TestMachine>();

  constructor(private readonly answer: (name: Name, script: string) => ReturnType<Answer>) {}

  async up(): Promise<Said> {
    for (const name of NAMES) {
      const answer = (command: string, input: string) =>
        this.answer(name, command.endsWith("# trivet-probe") ? "probe" : input);
      this.machines.set(name, await startPretender(answer));
    }
    const places = NAMES.map((name, i) => {
      const { port, hostKey } = this.machines.get(name) ?? {};
      return [name, { address: "127.0.0.1", privateAddress: `192.0.2.${11 + i}`, port, hostKey }];
    });
    await this.project.init(
      `config: ${JSON.stringify({
        "trivet:cloud": "ssh",
        "trivet:machines": Object.fromEntries(places) as object,
        "trivet:ssh": { privateKeyPath: "~/.ssh/id_ed25519" },
        "trivet:domains": ["example.org"],
        "trivet:services": { web: { image: "shop:1.4" } },
      })}\n`,
    );
    return await this.project.run("up", "--yes", "--skip-preview");
  }

  /** What a machine was asked to run, by the remark at its end. */
  ran(name: Name): (string | undefined)[] {
    const { commands } = this.machines.get(name) ?? { commands: [] };
    return commands.map(({ command }) => command.split("# ").at(-1));
  }

  async stop(): Promise<void> {
    for (const machine of this.machines.values()) await machine.stop();
    this.project.remove();
  }
}

describe("up on machines that make no platform together", () => {
  /** What each tells of itself, and how far its clock is ahead. */
  const told: Readonly<Record<Name, Parameters<typeof probeReport>>> = {
    vm1: [{ swarm: "inactive -", postgres: "71" }],
    vm2: [{ swarm: "active theirs 198.51.100.7:2377" }],
    vm3: [{ swarm: "inactive -", postgres: "72" }, 90],
  };
  const three = new Three((name, script) =>
    script === "probe" ? probeReport(...told[name]) : undefined,
  );
  let said: Said;

  before(async () => {
    said = await three.up();
  });
  after(() => three.stop());

  it("fails within a bounded time, and shows no stack trace", () => {
    assert.notEqual(said.code, 0);
    assert.ok(said.seconds < LONGEST_UP, `took ${said.seconds} s`);
    assert.doesNotMatch(said.all, /^\s+at /m);
  });

  it("tells everything that is wrong at once, with what to do", () => {
    assert.match(
      saidOf(said, "vm3"),
      /: its clock is (89|90)\.\d s ahead of that of vm1\. Switch on time synchronisation on both \(timedatectl /,
    );
    assert.match(
      saidOf(said, "vm2"),
      /: is in a Swarm that no core machine .* managers: 198\.51\.100\.7\)\. .* docker swarm leave --force there$/,
    );
    assert.match(
      lineOf(said.all, "- trivet:machines: "),
      /: vm1 and vm3 hold data of different Postgres clusters \(identifier of vm1: 71, vm3: 72\)\. .* docker volume rm /,
    );
  });

  it("runs nothing else on the machines, and makes nothing", async () => {
    for (const name of NAMES) assert.deepEqual(three.ran(name), ["trivet-probe"]);
    await assertNothingMade(three.project, NAMES);
  });
});

describe("up on machines that do not reach each other", () => {
  /** The second one's way to the others is closed. */
  const three = new Three((name, script) => {
    if (script === "probe") return probeReport({ swarm: "inactive -" });
    const tries = script.includes("Tries every port");
    return name === "vm2" && tries ? { refusal: "vm2: cannot reach vm1 at 2379" } : "";
  });
  let said: Said;

  before(async () => {
    said = await three.up();
  });
  after(() => three.stop());

  it("fails and names what cannot be reached from where", () => {
    assert.notEqual(said.code, 0);
    assert.match(said.all, /Nothing was changed:/);
    assert.match(saidOf(said, "vm2"), /- trivet:machines\.vm2 \(127.*: cannot reach vm1 at 2379$/);
    assert.doesNotMatch(said.all, /^\s+at /m);
  });

  it("gives the ports back, runs nothing else, and makes nothing", async () => {
    for (const name of NAMES) {
      const [probe, ...steps] = three.ran(name);
      assert.equal(probe, "trivet-probe");
      assert.deepEqual(
        steps,
        Array.from({ length: 3 }, () => "trivet-reachability"),
      );
      const last = three.machines.get(name)?.commands.at(-1)?.input ?? "";
      assert.match(last, /^# Gives the ports back/m);
    }
    await assertNothingMade(three.project, NAMES);
  });
});
