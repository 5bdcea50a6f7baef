import assert from "node:assert/strict";
import { HOST_KEY, parsed, table, type Row } from "./fixture";
import { KEY } from "./pem";

const TIME = 'must be a time of day such as "02:30", in quotes';
const PATH = "must be an absolute path such as /srv/dumps, of letters, digits and . _ -";
const copy = (changes: Record<string, unknown> = {}) => ({
  "dump.copyTo": {
    address: "192.0.2.9",
    user: "keeper",
    hostKey: HOST_KEY,
    path: "/srv/dumps",
    privateKey: KEY,
    ...changes,
  },
});
const field = (name: string, value: unknown, must: string, shown = JSON.stringify(value)): Row => [
  copy({ [name]: value }),
  `dump.copyTo.${name}: is ${shown}, ${must}`,
];
const path = (value: string) => field("path", value, PATH);

describe("configuration: dump", () => {
  table([
    [{ dump: { enabled: false, time: "00:00", keepDays: 3650 } }],
    [{ "dump.time": "24:00" }, `dump.time: is "24:00", ${TIME}`],
    [{ "dump.time": 150 }, `dump.time: is 150, ${TIME}`],
    [{ "dump.time": "02:30\nOnBootSec=1" }, `dump.time: is "02:30\\nOnBootSec=1", ${TIME}`],
    [{ "dump.keepDays": 0 }, "dump.keepDays: is 0, must be a whole number from 1 to 3650"],
    [{ "dump.enabled": "no" }, 'dump.enabled: is "no", must be true or false'],
    [{ "dump.keepdays": 3 }, 'dump.keepdays: is unknown, did you mean "keepDays"?'],
    [copy()],
    path("srv/dumps"),
    path("/srv/my dumps"),
    path("/srv/$(id)"),
    path("/srv/'dumps'"),
    path("/srv/dümps"),
    path("/srv/../etc"),
    path("/srv/-dumps"),
    path("C:\\dumps"),
    path("/"),
    field("user", "a b", "must be a login name"),
    field(
      "address",
      "-oProxyCommand=x",
      "must be an IP address or a DNS name; user and port have their own fields",
    ),
    field("port", 0, "must be a whole number from 1 to 65535"),
    [
      copy({ privateKey: "hunter2" }),
      "dump.copyTo.privateKey: must be a private key, PEM or OpenSSH",
    ],
  ]);
});

describe("configuration: the second machine of dumps", () => {
  const { privateKey, ...withoutKey } = copy()["dump.copyTo"];
  table([
    [
      { "dump.copyTo": withoutKey },
      "dump.copyTo: names neither privateKey nor privateKeyPath, must name one",
    ],
    [
      copy({ privateKeyPath: "~/.ssh/id" }),
      "dump.copyTo: names both privateKey and privateKeyPath, must name one",
    ],
    [{ "dump.copyTo": { ...withoutKey, privateKeyPath: "~/.ssh/id" } }],
    [
      { "dump.copyTo": { ...withoutKey, privateKeyPath: "~/.ssh/other" } },
      'dump.copyTo.privateKeyPath: is "~/.ssh/other", which does not exist',
    ],
    [
      copy({ address: "10.0.0.1" }),
      "dump.copyTo.address: is 10.0.0.1, of machine vm1, which has the database itself: name a machine that has not",
    ],
  ]);

  it("gives the key Unix line ends, its path made absolute, the host key without a comment", () => {
    const windows = parsed(
      copy({ privateKey: privateKey.replaceAll("\n", "\r\n"), hostKey: `${HOST_KEY} keeper\r\n` }),
    );
    assert.equal(windows.dump.copyTo?.privateKey, KEY);
    assert.equal(windows.dump.copyTo.hostKey, HOST_KEY);
    const file = parsed({ "dump.copyTo": { ...withoutKey, privateKeyPath: "~/.ssh/id" } });
    assert.equal(file.dump.copyTo?.privateKeyPath, "/home/ops/.ssh/id");
  });

  it("has defaults", () => {
    assert.deepEqual(parsed().dump, { enabled: true, time: "02:30", keepDays: 14 });
  });
});
