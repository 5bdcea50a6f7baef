import assert from "node:assert/strict";
import { freePort } from "../unit/plugins/support/sshd";
import { Project, type Said } from "./support/project";
import { otherHostKey, startLockedMachine, type TestMachine } from "./support/ssh-server";
import { label, parseState } from "./support/steps";

/** Seconds for ten attempts at each machine, all at a time; 11 s of them are pauses. */
const LONGEST_UP = 90;
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

/** The engine's last word on a resource: the part of the diagnostics below its name. */
function diagnosis({ all }: Said, resource: string): string {
  const [, last = ""] = all.split("Diagnostics:");
  return last.split(/\n {2}(?=\S)/).find((part) => part.includes(`(${resource})`)) ?? "";
}

describe("up on machines that cannot be used", () => {
  const project = new Project("prod");
  let places: Places;
  let said: Said;

  before(async () => {
    places = {
      impostor: await startLockedMachine(),
      locked: await startLockedMachine(),
      closedPort: await freePort(),
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
    assert.match(diagnosis(said, "machine-impostor-facts"), /error: .*host key mismatch/);
    assert.equal(places.impostor.signIns(), 0, "proved who it is to an impostor");
  });

  it("names the machine that lets nobody in", () => {
    assert.match(diagnosis(said, "machine-locked-facts"), /error: .*unable to authenticate/);
    assert.ok(places.locked.signIns() > 0);
  });

  it("names the machine that is not there, with its address", () => {
    const refused = new RegExp(`error: .*dial tcp 127\\.0\\.0\\.1:${places.closedPort}: .*refused`);
    assert.match(diagnosis(said, "machine-silent-facts"), refused);
  });

  it("shows no secret and no stack trace", () => {
    assert.doesNotMatch(said.all, /^\s+at /m);
    assertNoSecret(said.all);
  });

  it("keeps secrets out of the state but for their ciphertext", async () => {
    const state = await project.state();
    assertNoSecret(state);
    const { resources } = parseState(state);
    const passwords = resources.filter(({ urn }) => label(urn).includes(":RandomPassword "));
    assert.ok(passwords.length > 0, "the state has no password to look at");
    for (const { urn, outputs } of passwords) {
      assert.match(JSON.stringify(outputs.result), /"ciphertext"/, `${urn} is in plain`);
    }
    const keys = resources.filter(({ urn }) => label(urn).includes(":PrivateKey "));
    assert.ok(keys.length > 0, "the state has no private key to look at");
    for (const { urn, outputs } of keys) {
      assert.match(JSON.stringify(outputs.privateKeyPem), /"ciphertext"/, `${urn} is in plain`);
    }
  });

  it("leaves neither a lock nor anything half-made: the next up and destroy can run", async () => {
    assert.deepEqual(parseState(await project.state()).pending_operations, []);
    const again = await project.run("up", "--yes", "--skip-preview");
    assert.match(diagnosis(again, "machine-impostor-facts"), /error: .*host key mismatch/);
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
