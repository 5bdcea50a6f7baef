import assert from "node:assert/strict";
import { withInventory } from "../../scripts/stack/stack-config";
import { startListener } from "./support/listener";
import { ONE_MACHINE, THREE_MACHINES } from "./support/platforms";
import { Project, readText, type Said } from "./support/project";
import { countsByType, created, parsePreview } from "./support/steps";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDOErIp7rMdPhkmz1vMXtbEcRdop+KU+YF9e/SPPCxmm";

/** Seconds. One machine that were dialled would take more than this to give up. */
const LONGEST_PREVIEW = 60;

/** Values that must stay secret; the quotes and the dollar show that they arrive whole. */
const SECRETS = {
  "trivet:services.web.secrets.SECRET_KEY": `first "secret" of $HOME`,
  "trivet:images.registry.password": "second-secret",
};

function assertQuiet(said: Said, project: Project): void {
  assert.equal(said.code, 0, said.all);
  assert.equal(said.stderr, "");
  assert.deepEqual(parsePreview(said).diagnostics, []);
  assert.ok(said.seconds < LONGEST_PREVIEW, `took ${said.seconds} s`);
  assertNoSecret(said.all, project);
}

function assertNoSecret(text: string, project: Project): void {
  const key = project.privateKey.split("\n")[2] ?? "";
  assert.ok(key.length > 20, "the key of the test has no third line");
  for (const secret of [key, "PRIVATE KEY", 'secret\\" of', 'secret" of', "second-secret"]) {
    assert.ok(!text.includes(secret), `shows ${secret}`);
  }
}

/** Previews one of the checkout's stack files as it is, but for secrets that are set. */
async function previewStack(stack: string): Promise<{ said: Said; project: Project }> {
  const project = new Project(stack);
  await project.init(readText(`Pulumi.${stack}.yaml`));
  for (const [path, value] of Object.entries(SECRETS)) await project.setSecret(path, value);
  await project.set("trivet:images.registry.username", "ci");
  await project.set("trivet:images.registry.address", "registry.example.org/shop");
  return { said: await project.run("preview", "--json"), project };
}

describe("preview of the stack files, with nothing in reach", () => {
  const projects: Project[] = [];
  after(() => {
    for (const project of projects) project.remove();
  });

  it("plans one machine from Pulumi.prod.yaml", async () => {
    const { said, project } = await previewStack("prod");
    projects.push(project);
    assertQuiet(said, project);
    assert.deepEqual(created(parsePreview(said)), [...ONE_MACHINE].sort());
  });

  it("plans three machines from Pulumi.ha.yaml", async () => {
    const { said, project } = await previewStack("ha");
    projects.push(project);
    assertQuiet(said, project);
    assert.deepEqual(countsByType(created(parsePreview(said))), THREE_MACHINES);
  });

  it("plans the local stack, builds included, and dials no machine", async () => {
    const listener = await startListener();
    const project = new Project("local");
    projects.push(project);
    const inventory = {
      registry: "http://192.0.2.99:5000",
      privateKeyPath: "~/.ssh/id_ed25519",
      machines: {
        vm1: {
          address: "127.0.0.1",
          privateAddress: "192.0.2.10",
          port: listener.port,
          user: "root",
          hostKey: HOST_KEY,
        },
      },
    };
    await project.init(withInventory(readText("Pulumi.local.yaml"), inventory));
    const said = await project.run("preview", "--json");
    await listener.stop();
    assertQuiet(said, project);
    assert.equal(listener.dials(), 0, "a preview dialled the machine");
    const labels = created(parsePreview(said));
    for (const expected of [
      "command:remote:CopyToRemote app-image-web-vm1-context",
      "docker:index/secret:Secret web-SESSION_SECRET",
      "random:index/randomPassword:RandomPassword web-SESSION_SECRET",
    ]) {
      assert.ok(labels.includes(expected), `does not plan ${expected}`);
    }
  });
});
