import assert from "node:assert/strict";
import { Project, readText, type Said } from "./support/project";
import { FACTS, startPretender, type TestMachine } from "./support/ssh-server";
import { parseState } from "./support/steps";

const REGISTRY_PASSWORD = "of-the-registry-0815";
const APP_SECRET = "of-the-application-4711";

/** What scripts print, by the resource's name behind the command. */
const PRINTED: readonly (readonly [RegExp, string])[] = [
  [/-facts$/, JSON.stringify(FACTS)],
  [/-docker$/, '{ "version": "26.1.5", "restartPending": "" }'],
  [/image-nginx-vm1$/, `sha256:${"0".repeat(64)}`],
  [/^if .* # /, ""],
];

const answer = (command: string) => PRINTED.find(([pattern]) => pattern.test(command))?.[1];

/** An update that goes as far as it can without Docker: the machine only pretends to do anything. */
describe("secrets in an update", () => {
  const project = new Project("prod");
  let machine: TestMachine;
  let said: Said;

  before(async () => {
    machine = await startPretender(answer);
    const text = readText("Pulumi.prod.yaml")
      .replace("address: 192.0.2.10", `address: 127.0.0.1\n      port: ${machine.port}`)
      .replace("#privateAddress: 192.0.2.10", "privateAddress: 192.0.2.10")
      .replace(/hostKey: ssh-ed25519 \S+/, `hostKey: ${machine.hostKey}`);
    await project.init(text);
    await project.set("trivet:images.registry.address", "registry.example.org/shop");
    await project.set("trivet:images.registry.username", "ci");
    // The password goes to its own registry alone, so something has to come from there.
    await project.set("trivet:images.nginx", "registry.example.org/mirror/nginx:1.30");
    await project.setSecret("trivet:images.registry.password", REGISTRY_PASSWORD);
    await project.setSecret("trivet:services.web.secrets.SECRET_KEY", APP_SECRET);
    said = await project.run("up", "--yes", "--skip-preview");
  });
  after(async () => {
    await machine.stop();
    project.remove();
  });

  /** What must stay out of sight. */
  function secrets(): string[] {
    const key = project.privateKey.split("\n")[2] ?? "";
    assert.ok(key.length > 20, "the key of the test has no third line");
    return [key, REGISTRY_PASSWORD, APP_SECRET, "PRIVATE KEY"];
  }

  it("reach the machine on standard input, never in a command line", () => {
    const inputs = machine.commands.map(({ input }) => input).join("\n");
    assert.ok(inputs.includes(REGISTRY_PASSWORD), "the pull of nginx got no password");
    for (const secret of secrets()) {
      const shown = machine.commands.filter(({ command }) => command.includes(secret));
      assert.deepEqual(shown, []);
    }
  });

  it("are not in what the engine prints", () => {
    for (const secret of secrets()) assert.ok(!said.all.includes(secret), `prints ${secret}`);
  });

  it("are in the state, encrypted", async () => {
    const state = await project.state();
    const done = parseState(state).resources.map(({ urn }) => urn.split("::").at(-1));
    for (const name of ["machine-vm1-facts", "image-nginx-vm1", "firewall-vm1-confirm"]) {
      assert.ok(done.includes(name), `${name} was not made:\n${said.all}`);
    }
    const revealed = await project.state("--show-secrets");
    const kept = secrets().filter((secret) => secret !== APP_SECRET);
    for (const secret of kept) assert.ok(revealed.includes(secret), "looks at the wrong state");
    for (const secret of secrets()) assert.ok(!state.includes(secret), `keeps ${secret} in plain`);
  });
});
