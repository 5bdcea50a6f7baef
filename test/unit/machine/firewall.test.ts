import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Firewall, FIREWALL_DEFAULTS } from "../../../components/machine/firewall";
import { renderRules } from "../../../components/machine/rules";
import { documentedDefaults } from "../support/documented-defaults";
import { problemsOf, valueOf } from "../support/outputs";
import { host, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

const hosts = [host("vm1", 1), host("vm2", 2)];

describe("Firewall", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("stages the rules, then confirms them over a connection of its own", async () => {
    const { rules } = new Firewall("f", { hosts, sshPort: 2222 });
    const machines = ["10.0.0.1", "10.0.0.2"];
    const expected = renderRules({ ...FIREWALL_DEFAULTS, sshPort: 2222, machines });
    assert.equal(await valueOf(rules.vm1), expected);
    assert.equal(await valueOf(rules.vm2), expected);
    const commands = ["f-vm1-confirm", "f-vm1-stage", "f-vm2-confirm", "f-vm2-stage"];
    assert.deepEqual(engine.names(), ["f", ...commands]);
    assert.match(engine.script("f-vm1-stage").args, /^stage vm1 2222 '# Written by Trivet/);
    assert.match(engine.script("f-vm1-confirm").args, /^confirm vm1 2222 '# Written/);
    assert.ok(engine.get("f-vm1-confirm").dependsOn.includes("f-vm1-stage"));
  });

  it("waits for what the component is told to wait for", async () => {
    const first = new Firewall("first", { hosts });
    await valueOf(new Firewall("second", { hosts }, { dependsOn: first }).rules.vm1);
    assert.ok(engine.get("second-vm1-stage").dependsOn.includes("first-vm2-confirm"));
  });

  it("has the defaults that its documentation names", () => {
    const documented = documentedDefaults("components/machine/firewall.ts", "FirewallSettings");
    assert.deepEqual(FIREWALL_DEFAULTS, documented);
  });

  it("reports all bad arguments at once", () => {
    const bad = {
      sshPort: 0,
      sshFrom: ["10.0.0.0/8", "office.example.org"],
      publicPorts: [80, 70_000],
      extraPeers: ["10.0.0.300", "0.0.0.0/0"],
      containerSubnets: ["10.212.0.0", "0.0.0.0/0"],
      sharedAddresses: ["10.0.0.0/24"],
    };
    assert.deepEqual(
      problemsOf(() => new Firewall("f", { hosts, ...bad })),
      [
        "  - sshPort: is 0, must be a whole number from 1 to 65535",
        "  - publicPorts[1]: is 70000, must be a whole number from 1 to 65535",
        '  - sshFrom[1]: is "office.example.org", must be an address or a network like 203.0.113.0/24',
        '  - extraPeers[0]: is "10.0.0.300", must be an address or a network like 203.0.113.0/24',
        "  - extraPeers[1]: is 0.0.0.0/0, would let everybody in everywhere",
        '  - sharedAddresses[0]: is "10.0.0.0/24", must be an IPv4 address',
        '  - containerSubnets[0]: is "10.212.0.0", must be like 10.212.0.0/24',
        '  - containerSubnets[1]: is "0.0.0.0/0", must be like 10.212.0.0/24',
      ],
    );
    assert.deepEqual(
      problemsOf(() => new Firewall("f", { hosts, sshFrom: [], publicPorts: [22] })),
      [
        "  - sshFrom: is empty, needs at least one entry",
        "  - publicPorts: has 22, sshPort: give sshFrom instead",
      ],
    );
    assert.deepEqual(engine.made, []);
  });

  it("takes the machines' addresses when they are known", async () => {
    const later = { ...host("vm1", 1), privateAddress: pulumi.output(Promise.resolve("10.9.9.9")) };
    const { rules } = new Firewall("f", { hosts: [later] });
    assert.match(await valueOf(rules.vm1), /set machines4 \{[^}]*elements = \{ 10\.9\.9\.9 \}/);
  });
});
