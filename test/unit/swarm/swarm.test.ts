import assert from "node:assert/strict";
import type { SwarmArgs, SwarmNetworkArgs } from "../../../components/swarm/swarm";
import { Swarm, SWARM_NETWORK_DEFAULTS } from "../../../components/swarm/swarm";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { failuresOf, problemsOf, valueOf } from "../support/outputs";
import {
  awayHost,
  host,
  hosts,
  OWNER,
  PLATFORM_OUTPUTS,
  SSH_KEY,
  SWARM_ID,
  TOKENS,
} from "../support/platform";
import { Recorder } from "../support/recorder";

const MTU = "com.docker.network.driver.mtu";

/** Types whose resources change no machine. */
const NO_MACHINE = ["pulumi:providers:docker", "random:index/randomId:RandomId"];

describe("Swarm", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  async function made(args: SwarmArgs) {
    const swarm = new Swarm("swarm", args);
    await engine.settled();
    return swarm;
  }
  /** What the lead is told of each machine: four words. */
  const nodes = () => {
    const [removed, ...words] = engine.script("swarm-nodes").words;
    assert.equal(removed, "replaced", "the rest is removed once it is not needed any more");
    return Array.from({ length: words.length / 4 }, (_, i) => words.slice(4 * i, 4 * i + 4));
  };

  it("of one machine", async () => {
    const swarm = await made({ managers: hosts(1) });
    assert.deepEqual(engine.names(), [
      "swarm",
      "swarm-init",
      "swarm-nodes",
      "swarm-overlay",
      "swarm-owner",
      "swarm-provider",
      "swarm-vm1-gateway",
      "swarm-vm1-join",
    ]);
    assert.deepEqual(engine.script("swarm-vm1-gateway").words, ["10.212.0.0/24", "10.212.0.1"]);
    const { words } = engine.script("swarm-init");
    assert.deepEqual(words, ["vm1", "10.0.0.1", "10.214.0.0/16", "10.0.0.1"]);
    assert.deepEqual(engine.script("swarm-vm1-join").words, [
      "vm1",
      "10.0.0.1",
      "manager",
      "none",
      "10.0.0.1",
    ]);
    assert.deepEqual(nodes(), [["vm1", "10.0.0.1", "manager", "here"]]);
    assert.equal(await valueOf(swarm.network), "swarm-overlay-id");
    assert.equal(swarm.gatewayAddress, "10.212.0.1");
    assert.deepEqual(engine.get("swarm").inputs, {});
  });

  it("of three machines and a worker joins one after the first is up", async () => {
    await made({ managers: hosts(3), workers: [host("app1", 9)] });
    assert.deepEqual(engine.namesOf("command:remote:Command"), [
      "swarm-app1-gateway",
      "swarm-app1-join",
      "swarm-init",
      "swarm-nodes",
      "swarm-vm1-gateway",
      "swarm-vm1-join",
      "swarm-vm2-gateway",
      "swarm-vm2-join",
      "swarm-vm3-gateway",
      "swarm-vm3-join",
    ]);
    const managers = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    const tokens = `${TOKENS.manager}\n${TOKENS.worker}\n${SWARM_ID}\n`;
    const words = (name: string) => engine.script(name).words;
    assert.deepEqual(words("swarm-init"), ["vm1", "10.0.0.1", "10.214.0.0/16", ...managers]);
    assert.deepEqual(words("swarm-vm3-join"), ["vm3", "10.0.0.3", "manager", "none", ...managers]);
    assert.deepEqual(words("swarm-app1-join"), ["app1", "10.0.0.9", "worker", "none", ...managers]);
    assert.equal(engine.script("swarm-app1-join").data, tokens);
    assert.deepEqual(nodes(), [
      ["vm1", "10.0.0.1", "manager", "here"],
      ["vm2", "10.0.0.2", "manager", "here"],
      ["vm3", "10.0.0.3", "manager", "here"],
      ["app1", "10.0.0.9", "worker", "here"],
    ]);
  });

  it("sends each script to the machine that it is about, and to the lead what is about all", async () => {
    await made({ managers: hosts(3) });
    assert.equal(engine.addressOf("swarm-vm2-gateway"), "203.0.113.2");
    assert.equal(engine.addressOf("swarm-vm2-join"), "203.0.113.2");
    assert.equal(engine.addressOf("swarm-init"), "203.0.113.1");
    assert.equal(engine.addressOf("swarm-nodes"), "203.0.113.1");
  });

  it("gives a machine that was sent away and is taken back its part again, through another one", async () => {
    const [vm1, vm2, vm3] = hosts(3);
    assert.ok(vm1 && vm2 && vm3);
    await made({ managers: [{ ...vm1, isDetached: true }, vm2, vm3] });
    assert.equal(engine.addressOf("swarm-init"), "203.0.113.2");
    assert.equal(engine.addressOf("swarm-nodes"), "203.0.113.2");
    assert.match(String(engine.get("swarm-nodes").inputs.stdin), /^# vm1$/m, "runs again");
    assert.match(String(engine.get("swarm-vm1-join").inputs.stdin), /^# anew$/m, "runs again");
    assert.doesNotMatch(String(engine.get("swarm-vm2-join").inputs.stdin), /^# anew$/m);
  });

  it("has a machine join anew that the Swarm has removed", async () => {
    const [vm1, vm2, vm3] = hosts(3);
    assert.ok(vm1 && vm2 && vm3);
    await made({ managers: [vm1, { ...vm2, isNew: true, removedNode: "n0" }, vm3] });
    assert.equal(engine.script("swarm-vm2-join").words[3], "n0");
    assert.equal(engine.script("swarm-vm3-join").words[3], "none");
  });

  it("goes in order: bridges, Swarm, members, nodes, provider, network", async () => {
    await made({ managers: hosts(3) });
    const gateways = ["swarm-vm1-gateway", "swarm-vm2-gateway", "swarm-vm3-gateway"];
    const joins = ["swarm-vm1-join", "swarm-vm2-join", "swarm-vm3-join"];
    assert.deepEqual(engine.get("swarm-init").dependsOn, gateways);
    for (const name of joins) assert.deepEqual(engine.get(name).dependsOn, ["swarm-init"]);
    assert.deepEqual(engine.get("swarm-nodes").dependsOn, joins);
    assert.deepEqual(engine.get("swarm-provider").dependsOn, ["swarm-nodes", "swarm-owner"]);
    assert.deepEqual(engine.get("swarm-overlay").dependsOn, ["swarm-nodes", "swarm-owner"]);
  });

  it("leaves the start to a machine that was there before", async () => {
    const [vm1, vm2, vm3] = hosts(3);
    assert.ok(vm1 !== undefined && vm2 !== undefined && vm3 !== undefined);
    await made({ managers: [{ ...vm1, isNew: true }, { ...vm2, isNew: false }, vm3] });
    assert.deepEqual(engine.script("swarm-init").words.slice(0, 2), ["vm2", "10.0.0.2"]);
    for (const name of ["swarm-init", "swarm-nodes"]) {
      assert.equal(engine.addressOf(name), "203.0.113.2");
    }
    assert.equal(engine.get("swarm-provider").inputs.host, "ssh://root@203.0.113.2:22");
  });

  it("goes round a first manager that is away, and says so to the lead", async () => {
    const [vm1, vm2, vm3] = hosts(3);
    assert.ok(vm1 !== undefined && vm2 !== undefined && vm3 !== undefined);
    const known = ["gateway", "join"].map((part) => `command:remote:Command::swarm-vm1-${part}`);
    const app1 = awayHost(host("app1", 9));
    await made({ managers: [awayHost(vm1, ...known), vm2, vm3], workers: [app1] });
    for (const name of ["swarm-init", "swarm-nodes"]) {
      assert.equal(engine.addressOf(name), "203.0.113.2");
      assert.deepEqual(engine.get(name).ignoreChanges, []);
    }
    for (const name of ["swarm-vm1-gateway", "swarm-vm1-join"]) {
      assert.deepEqual(engine.get(name).ignoreChanges, ["*"]);
    }
    const leftOut = ["swarm-app1-gateway", "swarm-app1-join"];
    assert.deepEqual(engine.namesOf("trivet:core:LeftOut"), leftOut);
    assert.equal(engine.get("swarm-provider").inputs.host, "ssh://root@203.0.113.2:22");
    assert.deepEqual(nodes(), [
      ["vm1", "10.0.0.1", "manager", "away"],
      ["vm2", "10.0.0.2", "manager", "here"],
      ["vm3", "10.0.0.3", "manager", "here"],
      ["app1", "10.0.0.9", "worker", "away"],
    ]);
  });

  it("talks to the first manager over ssh", async () => {
    await made({ managers: hosts(3) });
    assert.deepEqual(engine.get("swarm-provider").inputs, {
      host: "ssh://root@203.0.113.1:22",
      sshOpts: '["-o","BatchMode=yes"]',
      disableDockerDaemonCheck: "true",
    });
  });

  it("makes one overlay network that later changes leave alone", async () => {
    const network = { overlaySubnet: "10.100.0.0/16", mtu: 1350, encrypted: true };
    await made({ managers: hosts(1), network });
    const { inputs, provider, ignoreChanges } = engine.get("swarm-overlay");
    assert.deepEqual(inputs, {
      name: "trivet",
      driver: "overlay",
      attachable: true,
      ipamConfigs: [{ subnet: "10.100.0.0/16" }],
      options: { [MTU]: "1350", encrypted: "true" },
      labels: [{ label: "trivet.owner", value: OWNER }],
    });
    assert.equal(provider, "swarm-provider");
    assert.deepEqual(ignoreChanges, ["options", "ipamConfigs", "labels"]);
  });

  it("derives the gateway's address from its subnet", async () => {
    const network = { gatewaySubnet: "172.30.5.64/26" };
    const swarm = await made({ managers: hosts(1), network });
    assert.equal(swarm.gatewayAddress, "172.30.5.65");
    const { words } = engine.script("swarm-vm1-gateway");
    assert.deepEqual(words, ["172.30.5.64/26", "172.30.5.65"]);
  });

  it("tells tokens and keys to nobody", async () => {
    await made({ managers: hosts(3), workers: [host("app1", 9)] });
    assertNoLeak(engine.made, [TOKENS.manager, TOKENS.worker, SSH_KEY.trimEnd()]);
    assert.ok(engine.get("swarm-init").secretOutputs.includes("stdout"));
    for (const name of ["swarm-vm1-join", "swarm-vm2-join", "swarm-app1-join"]) {
      assert.deepEqual(engine.get(name).secretInputs, ["connection", "stdin"]);
    }
  });

  it("hands what it waits for down to everything that changes a machine", async () => {
    const before = new Swarm("before", { managers: [host("vm9", 9)] });
    new Swarm("swarm", { managers: hosts(3) }, { dependsOn: before });
    await engine.settled();
    for (const { name, type, dependsOn } of engine.made) {
      if (!name.startsWith("swarm-") || NO_MACHINE.includes(type)) continue;
      assert.ok(dependsOn.includes("before-nodes"), name);
    }
  });

  it("has the defaults that its documentation names", () => {
    const documented = documentedDefaults("components/swarm/swarm.ts", "SwarmNetworkArgs");
    assert.deepEqual(SWARM_NETWORK_DEFAULTS, documented);
  });

  const quorum =
    "entries, must have 1, 3 or 5: an even number survives no more failures than one fewer";
  const bad: [string, Partial<SwarmArgs>, ...string[]][] = [
    ["no manager", { managers: [] }, `managers: has 0 ${quorum}`],
    ["two managers", { managers: hosts(2) }, `managers: has 2 ${quorum}`],
    ["the same machine twice", { workers: hosts(1) }, "managers and workers: repeats vm1"],
    [
      "a large packet",
      { network: { mtu: 1401 } },
      "network.mtu: is 1401, must be a whole number from 576 to 1400",
    ],
    [
      "what is no subnet",
      { network: { overlaySubnet: "10.0.0.0", gatewaySubnet: "fd00::/64", addressPool: "" } },
      'network.overlaySubnet: is "10.0.0.0", must be an IPv4 subnet like 10.213.0.0/20',
      'network.gatewaySubnet: is "fd00::/64", must be an IPv4 subnet like 10.212.0.0/24',
      'network.addressPool: is "", must be an IPv4 subnet like 10.214.0.0/16',
      "network.overlaySubnet: must be /20 or larger: each task takes an address, also while it is replaced",
    ],
    [
      "a small overlay",
      { network: { overlaySubnet: "10.0.0.0/21" } },
      "network.overlaySubnet: must be /20 or larger: each task takes an address, also while it is replaced",
    ],
  ];
  for (const [title, args, ...problems] of bad) {
    it(`refuses ${title}, and makes nothing`, () => {
      assert.deepEqual(
        problemsOf(() => new Swarm("swarm", { managers: hosts(1), ...args })),
        problems.map((problem) => `  - ${problem}`),
      );
      assert.deepEqual(engine.made, []);
    });
  }
});

describe("Swarm, on a network that was made before", () => {
  const network = "docker:index/network:Network";
  const found = (options: Record<string, string>) =>
    new Recorder({ ...PLATFORM_OUTPUTS, [network]: () => ({ options }) });

  async function failures(options: Record<string, string>, given: SwarmNetworkArgs) {
    const engine = found(options);
    await engine.install();
    return await failuresOf(() => new Swarm("swarm", { managers: hosts(1), network: given }));
  }

  it("takes what is the same, and other options that Swarm adds", async () => {
    assert.deepEqual(await failures({ [MTU]: "1400", other: "x" }, {}), []);
    assert.deepEqual(await failures({ [MTU]: "1400", encrypted: "" }, { encrypted: true }), []);
    assert.deepEqual(await failures({}, {}), []);
  });

  it("refuses another packet size or encryption before it does harm", async () => {
    const [message, ...more] = await failures({ [MTU]: "1400" }, { mtu: 1300, encrypted: true });
    assert.deepEqual(more, []);
    // Pulumi puts in front which property it was about.
    assert.deepEqual(message?.slice(message.indexOf("Swarm")).split("\n"), [
      'Swarm "swarm" has invalid arguments:',
      "  - network.mtu: is 1300, but the network was made with 1400 and cannot be changed: set it back",
      "  - network.encrypted: is true, but the network was made otherwise and cannot be changed: set it back",
    ]);
  });
});
