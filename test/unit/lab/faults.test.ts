import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabSandbox } from "./bash.js";

const VM1 = "02:42:0a:4d:03:0b";
const VM2 = "02:42:0a:4d:03:0c";

const REGISTRY_PASSES = [
  "    ip saddr 10.77.3.2 accept",
  "    ip daddr 10.77.3.2 accept",
  "    arp saddr ip 10.77.3.2 accept",
  "    arp daddr ip 10.77.3.2 accept",
];

function ruleset(arriving: string[], leaving: string[], between: string[]): string {
  const chain = (name: string, hook: string, rules: string[]): string[] => [
    `  chain ${name} {`,
    `    type filter hook ${hook} priority -310;`,
    ...rules,
    "  }",
  ];
  return [
    "add table bridge trivet_lab_test",
    "delete table bridge trivet_lab_test",
    "table bridge trivet_lab_test {",
    ...chain("arriving", "prerouting", arriving),
    ...chain("leaving", "postrouting", leaving),
    ...chain("between", "forward", [...REGISTRY_PASSES, ...between]),
    "}",
    "",
  ].join("\n");
}

describe("lab faults", () => {
  let sandbox: LabSandbox;
  beforeEach(() => {
    sandbox = new LabSandbox();
  });
  afterEach(() => {
    sandbox.remove();
  });

  const render = (faults: string): string => sandbox.functions("render_faults", faults).stdout;

  it("drops nothing without a fault", () => {
    assert.equal(render(""), ruleset([], [], []));
  });

  it("drops every frame from and to a machine that is down or isolated", () => {
    for (const kind of ["down", "isolate"]) {
      assert.equal(
        render(`${kind} vm1\n`),
        ruleset([`    ether saddr ${VM1} drop`], [`    ether daddr ${VM1} drop`], []),
      );
    }
  });

  it("drops frames between machines only, for a machine isolated from its peers", () => {
    const between = [`    ether saddr ${VM2} drop`, `    ether daddr ${VM2} drop`];
    assert.equal(render("peers vm2\n"), ruleset([], [], between));
  });

  it("drops both directions between two machines", () => {
    const between = [
      `    ether saddr ${VM1} ether daddr ${VM2} drop`,
      `    ether saddr ${VM2} ether daddr ${VM1} drop`,
    ];
    assert.equal(render("from vm1 vm2\n"), ruleset([], [], between));
  });

  it("adds up several faults", () => {
    assert.equal(
      render("down vm1\npeers vm2\n"),
      ruleset(
        [`    ether saddr ${VM1} drop`],
        [`    ether daddr ${VM1} drop`],
        [`    ether saddr ${VM2} drop`, `    ether daddr ${VM2} drop`],
      ),
    );
  });

  const withFaults = (faults: string, script: string): { stdout: string; kept: string } => {
    const folder = join(sandbox.cache, "labs/test");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "faults"), faults);
    const { stdout, stderr, status } = sandbox.functions(
      `apply_faults() { echo applied; }\n${script}`,
    );
    assert.equal(status, 0, stderr);
    return { stdout, kept: readFileSync(join(folder, "faults"), "utf8") };
  };

  it("keeps a fault once, however often it is given", () => {
    const { kept } = withFaults("", "add_fault from vm1 vm2\nadd_fault from vm1 vm2");
    assert.equal(kept, "from vm1 vm2\n");
  });

  it("removes what matches as a whole line and nothing else", () => {
    const { kept } = withFaults("down vm1\ndown vm11\nisolate vm1\n", "remove_faults 'down vm1'");
    assert.equal(kept, "down vm11\nisolate vm1\n");
  });

  it("leaves the firewall alone when there is nothing to remove", () => {
    assert.equal(withFaults("down vm2\n", "remove_faults 'down vm1'").stdout, "");
  });

  it("says in words what was done to a machine, from either side", () => {
    const faults = "down vm1\nfrom vm1 vm2\npeers vm3\n";
    const { stdout } = withFaults(faults, "for vm in vm1 vm2 vm3 vm4; do faults_of $vm; done");
    assert.deepEqual(stdout.split("\n"), [
      "cut off, isolated from vm2",
      "isolated from vm1",
      "isolated from peers",
      "",
      "",
    ]);
  });
});
