import assert from "node:assert/strict";
import { machine, parsed, table, type Row } from "./fixture";

const three = { vm1: machine(1), vm2: machine(2), vm3: machine(3) };
const entry = (changes: Record<string, unknown> = {}) => ({
  entry: { address: "10.0.0.100", ...changes },
  machines: three,
});
const ADDRESS = "must be an IPv4 address that no machine has as its own, such as 10.0.0.100";
const address = (value: unknown, shown = JSON.stringify(value)): Row => [
  entry({ address: value }),
  `entry.address: is ${shown}, ${ADDRESS}`,
];
const INTERFACE = "must be the name of a network interface such as eth1";
const device = (value: unknown): Row => [
  entry({ interface: value }),
  `entry.interface: is ${JSON.stringify(value)}, ${INTERFACE}`,
];
const routerId = (value: unknown): Row => [
  entry({ routerId: value }),
  `entry.routerId: is ${JSON.stringify(value)}, must be a whole number from 1 to 255`,
];

describe("configuration: entry", () => {
  table([
    [entry()],
    [entry({ interface: "eth0.100", routerId: 255 })],
    [{ ...entry(), domains: ["10.0.0.100"] }],
    [{ ...entry(), machines: { ...three, app1: { ...machine(4), role: "app" } } }],
    [entry({ address: undefined }), `entry.address: is missing, ${ADDRESS}`],
    [{ entry: "10.0.0.100", machines: three }, "entry: is text, must be a mapping"],
    [{ entry: null, machines: three }, "entry: is empty, must be a mapping"],
    address(""),
    address("10.0.0.100/24"),
    address("2001:db8::1"),
    address("example.org"),
    address("10.0.0"),
    address("0.0.0.0"),
    address("127.0.0.1"),
    address("224.0.0.18"),
    address("10.0.0.100\nx"),
    address(7),
    device("eth 1"),
    device("eth1;id"),
    device("eth1:0"),
    device(""),
    device("a-name-of-16-char"),
    routerId(0),
    routerId(256),
    routerId(1.5),
    routerId("51"),
    [entry({ adress: "10.0.0.100" }), 'entry.adress: is unknown, did you mean "address"?'],
    [entry({ prefix: 24 }), "entry.prefix: is unknown, known here: address, interface, routerId"],
    [entry({ address: "10.0.0.2" }), "entry.address: is 10.0.0.2, the address of machine vm2"],
    [entry({ address: "192.0.2.3" }), "entry.address: is 192.0.2.3, the address of machine vm3"],
    [
      entry({ address: "10.212.0.9" }),
      "entry.address: is 10.212.0.9, inside network.gatewaySubnet (10.212.0.0/24)",
    ],
    [
      entry({ address: "10.213.15.255" }),
      "entry.address: is 10.213.15.255, inside network.overlaySubnet (10.213.0.0/20)",
    ],
    [
      { entry: { address: "10.0.0.100" } },
      'entry: is given, but there is one machine of role "core": a floating address needs three core machines',
    ],
    [
      {
        entry: { address: "10.0.0.4", routerId: 999 },
        machines: { vm1: machine(1), app1: { ...machine(4), role: "app" } },
      },
      "entry.routerId: is 999, must be a whole number from 1 to 255",
      'entry: is given, but there is one machine of role "core": a floating address needs three core machines',
    ],
    [
      { ...entry({ address: "10.0.0.3" }), machines: { ...three, vm1: "broken" } },
      "machines.vm1: is text, must be a mapping",
      "entry.address: is 10.0.0.3, the address of machine vm3",
    ],
  ]);

  it("is none by default, and of number 51 and the machine's own interface with an address", () => {
    assert.equal("entry" in parsed({ machines: three }), false);
    assert.deepEqual(parsed(entry()).entry, { address: "10.0.0.100", routerId: 51 });
  });
});
