import assert from "node:assert/strict";
import { Project, type Said } from "./support/project";
import {
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

describe("up on machines that make no platform together", () => {
  const project = new Project("prod");
  const names = ["vm1", "vm2", "vm3"] as const;
  /** What each tells of itself, and how far its clock is ahead. */
  const told: Readonly<Record<(typeof names)[number], Parameters<typeof probeReport>>> = {
    vm1: [{ swarm: "inactive -", postgres: "71" }],
    vm2: [{ swarm: "active theirs 198.51.100.7:2377" }],
    vm3: [{ swarm: "inactive -", postgres: "72" }, 90],
  };
  const machines = new Map<string, TestMachine>();
  let said: Said;

  before(async () => {
    for (const name of names) {
      const answer = (command: string) =>
        command.endsWith("# trivet-probe") ? probeReport(...told[name]) : undefined;
      machines.set(name, await startPretender(answer));
    }
    const places = names.map((name, i) => {
      const { port, hostKey } = machines.get(name) ?? {};
      return [name, { address: "127.0.0.1", privateAddress: `192.0.2.${11 + i}`, port, hostKey }];
    });
    await project.init(
      `config: ${JSON.stringify({
        "trivet:cloud": "ssh",
        "trivet:machines": Object.fromEntries(places) as object,
        "trivet:ssh": { privateKeyPath: "~/.ssh/id_ed25519" },
        "trivet:domains": ["example.org"],
        "trivet:services": { web: { image: "shop:1.4" } },
      })}\n`,
    );
    said = await project.run("up", "--yes", "--skip-preview");
  });
  after(async () => {
    for (const machine of machines.values()) await machine.stop();
    project.remove();
  });

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
    for (const [name, { commands }] of machines) {
      assert.ok(commands.length > 0);
      for (const { command } of commands) assert.match(command, /# trivet-probe$/, name);
    }
    await assertNothingMade(project, names);
  });
});
