import assert from "node:assert/strict";
import { Project, type Said } from "./support/project";
import { parseState } from "./support/steps";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDOErIp7rMdPhkmz1vMXtbEcRdop+KU+YF9e/SPPCxmm";
const SECRET = 'open "sesame" $HOME';

/** One mistake of each kind, and values that would break a line, a quotation or a shell. */
const BAD = `config:
  trivet:cloud: ssh
  trivet:machnies: {}
  trivet:machines:
    vm1: { address: 192.0.2.1, privateAddress: 192.0.2.1, hostKey: ${HOST_KEY}, port: 70000 }
    vm2: { address: 192.0.2.2, privateAddress: 192.0.2.2, hostKey: ${HOST_KEY}, adress: x }
    vm3: { address: 192.0.2.4, privateAddress: 192.0.2.4, hostKey: ${HOST_KEY} }
    vm4: { address: 192.0.2.4, privateAddress: 192.0.2.4, hostKey: ${HOST_KEY} }
  trivet:ssh: { privateKeyPath: ~/.ssh/id_ed25519 }
  trivet:database: { name: "app'; DROP TABLE x; --", user: "größe" }
  trivet:services:
    web:
      image: "shop:1.4\\nRUN evil"
      health: "/\\"$(id)\`id\`"
      env: { LINES: "one\\ntwo", "A B": x }
      migrate: npm run migrate
`;

const TITLE = 'error: Configuration of stack "bad" has invalid arguments:';

/** Every mistake, once. */
const MISTAKES = [
  'trivet:machines: has 4 machines of role "core", must have 1, 3 or 5',
  "trivet:machines.vm1.port: is 70000, must be a whole number from 1 to 65535",
  'trivet:machines.vm2.adress: is unknown, did you mean "address"?',
  "trivet:machines.vm4.address: is 192.0.2.4 port 22, the same as of machine vm3",
  "trivet:machines.vm4.privateAddress: is 192.0.2.4, the same as of machine vm3",
  'trivet:machnies: is unknown, did you mean "machines"?',
  "trivet:domains: is missing, must be a list of host names",
  'trivet:database.name: is "app\'; DROP TABLE x; --", must be 1 to 63 lower-case letters',
  'trivet:database.user: is "größe", must be 1 to 63 lower-case letters',
  'trivet:services.web.image: is "shop:1.4\\nRUN evil", must be an image reference',
  'trivet:services.web.health: is "/\\"$(id)`id`", must be a path such as /health',
  "trivet:services.web.env.LINES: must be text on one line",
  'trivet:services.web.env["A B"]: must be named with letters, digits or underscores',
  "trivet:services.web.secrets.DATABASE_URL: is set by the platform",
  "trivet:services.web.migrate: must be a list of words",
];

function assertRefused(said: Said, project: Project): void {
  assert.notEqual(said.code, 0);
  assert.ok(said.all.includes(TITLE), said.all);
  for (const mistake of MISTAKES) {
    assert.ok(said.all.includes(`- ${mistake}`), `does not say ${mistake}:\n${said.all}`);
  }
  assert.equal(said.all.split("- trivet:").length - 1, MISTAKES.length, said.all);
  assertReadable(said, project);
}

function assertReadable({ all }: Said, project: Project): void {
  assert.doesNotMatch(all, /^\s+at /m, "shows a stack trace");
  assert.doesNotMatch(all, /sesame/, "shows a secret");
  assert.ok(!all.includes(project.privateKey.split("\n")[2] ?? ""), "shows the private key");
}

describe("a configuration that is wrong", () => {
  const project = new Project("bad");

  before(async () => {
    await project.init(BAD);
    await project.setSecret("trivet:services.web.secrets.DATABASE_URL", SECRET);
  });
  after(() => {
    project.remove();
  });

  it("is refused by preview with one message that lists all mistakes", async () => {
    assertRefused(await project.run("preview"), project);
  });

  it("is refused by up, which makes nothing and leaves no lock", async () => {
    assertRefused(await project.run("up", "--yes", "--skip-preview"), project);
    assertNothingMade(await project.state());
    assertRefused(await project.run("up", "--yes", "--skip-preview"), project);
  });

  it("is refused when it is empty", async () => {
    project.configure("config: {}\n");
    const said = await project.run("preview");
    assert.notEqual(said.code, 0);
    for (const key of ["cloud", "machines", "domains"]) {
      assert.match(said.all, new RegExp(`trivet:${key}: is missing, must be`));
    }
    assertReadable(said, project);
  });
});

/** Only the stack itself, which the engine writes down before it starts the program. */
function assertNothingMade(state: string): void {
  const made = parseState(state).resources.filter(
    ({ urn }) => !urn.includes("::pulumi:pulumi:Stack::"),
  );
  assert.deepEqual(made, []);
}
