import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { FloatingAddressArgs } from "../../../components/entry/floating-address";
import {
  FLOATING_ADDRESS_DEFAULTS,
  FloatingAddress,
} from "../../../components/entry/floating-address";
import { renderKeepalived } from "../../../components/entry/keepalived-files";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { failuresOf, problemsOf, valueOf } from "../support/outputs";
import { awayHost, host, hosts, passwordOf, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

const args = (count: number): FloatingAddressArgs => ({
  hosts: hosts(count),
  address: "10.0.0.100",
  checkHost: "example.org",
});
const decoded = (text = "") => Buffer.from(text, "base64").toString("utf8");

describe("FloatingAddress", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());
  const sent = (machine: string) => {
    const { words, data } = engine.script(`entry-${machine}-keepalived`);
    const [check, conf] = data.split("\n").map(decoded);
    return { words, check, conf };
  };

  for (const count of [2, 3, 5]) {
    it(`is held by one of ${count}, each of which knows all others`, async () => {
      const entry = new FloatingAddress("entry", args(count));
      await engine.settled();
      assert.equal(await valueOf(entry.address), "10.0.0.100");
      const addresses = Array.from({ length: count }, (_, i) => `10.0.0.${i + 1}`);
      for (const [i, own] of addresses.entries()) {
        const { words, check, conf } = sent(`vm${i + 1}`);
        assert.deepEqual(words, [
          ...[`vm${i + 1}`, own, "", "example.org", "/etc/trivet/entry/check.sh"],
          "# Written by Trivet: changes made here are overwritten.",
        ]);
        const script = readFileSync(join(__dirname, "../../../components/entry/check.sh"), "utf8");
        assert.equal(`${check ?? ""}\n`, script);
        assert.equal(
          conf,
          renderKeepalived({
            own,
            peers: addresses.filter((other) => other !== own),
            address: "10.0.0.100",
            prefixLength: 32,
            routerId: 51,
            priority: 250 - 10 * i,
            password: passwordOf("entry-password"),
            checkHost: "example.org",
          }),
        );
        assert.equal(engine.addressOf(`entry-vm${i + 1}-keepalived`), `203.0.113.${i + 1}`);
      }
    });
  }

  it("takes its settings", async () => {
    const settings = { prefixLength: 24, interface: "eth1", routerId: 7 };
    new FloatingAddress("entry", { ...args(3), ...settings });
    await engine.settled();
    const { words, conf = "" } = sent("vm2");
    assert.equal(words[2], "eth1");
    assert.match(conf, /\n {2}virtual_router_id 7\n/);
    assert.match(conf, /\n {4}10\.0\.0\.100\/24 dev @ADDRESS_INTERFACE@\n/);
  });

  it("has a password of eight letters and digits, which nobody is told", async () => {
    new FloatingAddress("entry", args(3));
    await engine.settled();
    const { inputs } = engine.get("entry-password");
    assert.deepEqual([inputs.length, inputs.special], [8, false]);
    assertNoLeak(engine.made, [passwordOf("entry-password")]);
  });

  it("leaves a machine out that is out of reach, and names it as a peer", async () => {
    const [first, second, third] = hosts(3);
    assert.ok(first && second && third);
    const entry = new FloatingAddress("entry", {
      ...args(3),
      hosts: [first, second, awayHost(third)],
    });
    await engine.settled();
    assert.deepEqual(engine.namesOf("command:remote:Command"), [
      "entry-vm1-keepalived",
      "entry-vm2-keepalived",
    ]);
    assert.match(sent("vm1").conf ?? "", /\n {4}10\.0\.0\.2\n {4}10\.0\.0\.3\n/);
    assert.equal(await valueOf(entry.address), "10.0.0.100");
  });

  it("stays on machines out of reach where the platform has none any more", async () => {
    const [first, second, third] = hosts(3);
    assert.ok(first && second && third);
    const name = "entry-vm3-keepalived";
    const silent = awayHost(third, `command:remote:Command::${name}`);
    FloatingAddress.keepOn("entry", [first, awayHost(second), silent]);
    await engine.settled();
    assert.deepEqual(engine.names(), ["entry", name]);
    assert.equal(engine.get("entry").type, "trivet:entry:FloatingAddress");
    assert.equal(engine.get(name).parent, "entry");
    assert.deepEqual(engine.get(name).ignoreChanges, ["*"]);
  });

  it("leaves nothing behind where every machine can be reached", async () => {
    FloatingAddress.keepOn("entry", hosts(3));
    await engine.settled();
    assert.deepEqual(engine.names(), []);
  });

  it("waits for what it is told to wait for", async () => {
    const before = new FloatingAddress("before", args(2));
    new FloatingAddress("entry", args(2), { dependsOn: before });
    await engine.settled();
    assert.ok(engine.get("entry-vm2-keepalived").dependsOn.includes("before-vm1-keepalived"));
  });

  it("has the defaults that its documentation names", () => {
    const documented = documentedDefaults(
      "components/entry/floating-address.ts",
      "FloatingAddressSettings",
    );
    assert.deepEqual(documented, FLOATING_ADDRESS_DEFAULTS);
  });

  const bad: [string, Partial<FloatingAddressArgs>, ...string[]][] = [
    ["no machine", { hosts: [] }, "hosts: is empty, needs at least one entry"],
    [
      "one machine",
      { hosts: hosts(1) },
      "hosts: has 1 entries, must have from 2 to 20: the address moves from one to another",
    ],
    [
      "too many",
      { hosts: hosts(21) },
      "hosts: has 21 entries, must have from 2 to 20: the address moves from one to another",
    ],
    ["a machine twice", { hosts: [host("vm1", 1), host("vm1", 2)] }, "hosts: repeats vm1"],
    ["no address", { address: "" }, 'address: is "", must be an IPv4 address'],
    ["IPv6", { address: "2001:db8::1" }, 'address: is "2001:db8::1", must be an IPv4 address'],
    [
      "a prefix in the address",
      { address: "10.0.0.100/24" },
      'address: is "10.0.0.100/24", must be an IPv4 address',
    ],
    ["two hosts", { checkHost: "a b" }, 'checkHost: is "a b", must be a host name'],
    ["a quote", { checkHost: 'a"' }, 'checkHost: is "a\\"", must be a host name'],
    [
      "numbers out of range",
      { prefixLength: 33, routerId: 0 },
      "prefixLength: is 33, must be a whole number from 8 to 32",
      "routerId: is 0, must be a whole number from 1 to 255",
    ],
    [
      "an interface of two words",
      { interface: "eth1 eth2" },
      'interface: is "eth1 eth2", must be the name of a network interface such as eth1',
    ],
  ];
  for (const [title, given, ...problems] of bad) {
    it(`refuses ${title}, and makes nothing`, () => {
      assert.deepEqual(
        problemsOf(() => new FloatingAddress("entry", { ...args(2), ...given })),
        problems.map((problem) => `  - ${problem}`),
      );
      assert.deepEqual(engine.made, []);
    });
  }

  it("refuses addresses of machines that turn out to be wrong", async () => {
    const [first, second] = hosts(2);
    assert.ok(first && second);
    const failures = await failuresOf(() => {
      const privateAddress = pulumi.output("fd00::2");
      new FloatingAddress("entry", {
        ...args(2),
        address: "203.0.113.1",
        hosts: [first, { ...second, privateAddress }],
      });
    });
    assert.equal(failures.length, 1);
    assert.ok(
      (failures[0] ?? "").endsWith(
        [
          'FloatingAddress "entry" has invalid arguments:',
          '  - hosts[1].privateAddress: is "fd00::2", must be an IPv4 address',
          "  - address: is 203.0.113.1, which hosts[0] has as its own",
        ].join("\n"),
      ),
      failures[0],
    );
  });
});
