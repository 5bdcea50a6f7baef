import assert from "node:assert/strict";
import { Project, readText } from "./support/project";
import { FACTS, startPretender, type TestMachine } from "./support/ssh-server";
import { parseState } from "./support/steps";

/** What the machine's own scripts say of it, to the letter; the scripts' tests have each of these. */
const REFUSALS: Readonly<Record<string, { script: RegExp; says: string }>> = {
  "too little memory": {
    script: /-facts$/,
    says: "vm1: has 900 MiB of memory, needs 1800: use a larger machine",
  },
  "too little disk": {
    script: /-facts$/,
    says: "vm1: has 1200 MiB free at /var/lib, needs 5000: free some or use a larger disk",
  },
  "an unsupported system": {
    script: /-facts$/,
    says: "vm1: runs fedora 41, which is not supported: use Debian 12 or newer, or Ubuntu 22.04 or newer",
  },
  "a refused Docker": {
    script: /-docker$/,
    says: "vm1: Docker 29.0.0 is refused: install 28.5",
  },
};

describe("up on a machine that refuses itself", () => {
  const project = new Project("prod");
  let machine: TestMachine;
  let refused: { script: RegExp; says: string } | undefined;

  before(async () => {
    machine = await startPretender((command) => {
      if (refused?.script.test(command) === true) return { refusal: refused.says };
      // Beyond the facts there is nothing to see: whatever needs Docker fails.
      if (command.endsWith("-facts")) return JSON.stringify(FACTS);
      return /# (trivet-probe|kernel-vm1-sysctl|firewall-vm1-\w+)$/.test(command) ? "" : undefined;
    });
    const text = readText("Pulumi.prod.yaml")
      .replace("address: 192.0.2.10", `address: 127.0.0.1\n      port: ${machine.port}`)
      .replace("#privateAddress: 192.0.2.10", "privateAddress: 192.0.2.10")
      .replace(/hostKey: ssh-ed25519 \S+/, `hostKey: ${machine.hostKey}`);
    await project.init(text);
  });
  after(async () => {
    await machine.stop();
    project.remove();
  });

  for (const [title, refusal] of Object.entries(REFUSALS)) {
    it(`for ${title} says so once, with what to do`, async () => {
      refused = refusal;
      const said = await project.run("up", "--yes", "--skip-preview");
      assert.notEqual(said.code, 0);
      const [, diagnostics = ""] = said.all.split("Diagnostics:");
      assert.equal(diagnostics.split(refusal.says).length - 1, 1, said.all);
      assert.doesNotMatch(said.all, /^\s+at .*:\d+:\d+/m, "shows a stack trace");
      assert.ok(!said.all.includes(project.privateKey.split("\n")[2] ?? ""), "shows the key");
    });
  }

  it("goes on once the machine is right", async () => {
    refused = undefined;
    await project.run("up", "--yes", "--skip-preview");
    const { resources, pending_operations: pending } = parseState(await project.state());
    const names = resources.map(({ urn }) => urn.split("::").at(-1));
    assert.ok(names.includes("machine-vm1-facts") && names.includes("kernel-vm1-sysctl"));
    assert.deepEqual(pending, []);
  });
});
