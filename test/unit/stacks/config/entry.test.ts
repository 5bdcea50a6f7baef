import assert from "node:assert/strict";
import { PORTS } from "../../../../components/core/ports";
import { certificateDaysLeft } from "../../../../stacks/config/entry";
import { parsed, table, type Row } from "./fixture";
import { CERTIFICATE, ENCRYPTED_KEY, KEY, OTHER_KEY } from "./pem";

const HOST =
  "must be a host name such as example.org or an IP address, without scheme, port or wildcard";
const HOSTS = "must be a list of host names such as [example.org]";
const domain = (value: unknown, shown = JSON.stringify(value)): Row => [
  { domains: [value] },
  `domains[0]: is ${shown}, ${HOST}`,
];

describe("configuration: domains", () => {
  table([
    [{ domains: undefined }, `domains: is missing, ${HOSTS}`],
    [{ domains: [] }, `domains: is empty, ${HOSTS}`],
    [{ domains: "example.org" }, `domains: is text, ${HOSTS}`],
    [{ domains: ["example.org", "www.example.org", "192.0.2.1", "2001:db8::1", "localhost"] }],
    [{ domains: ["example.org", "EXAMPLE.org"] }, 'domains[1]: repeats "example.org"'],
    domain("*.example.org"),
    domain("https://example.org"),
    domain("example.org:443"),
    domain("example.org."),
    domain("bücher.example/path"),
    domain("a b.example"),
    domain("ex$(id).org"),
    domain('"example.org"'),
    domain("example.org\nevil"),
    domain("192.0.2.999"),
    domain(`${"a".repeat(64)}.org`),
    domain(7),
    domain(null, "empty"),
  ]);

  it("gives names in lower case and punycode", () => {
    const { domains } = parsed({
      domains: [" Bücher.Example\r\n", "例え.jp", `${"a".repeat(63)}.org`],
    });
    assert.deepEqual(domains, ["xn--bcher-kva.example", "xn--r8jz45g.jp", `${"a".repeat(63)}.org`]);
  });
});

const CERTIFICATE_RULE =
  "must be one or more certificates in PEM, the server's own first (and no private key)";
const KEY_RULE = "must be a private key in PEM, without a passphrase";
const NAMES = "its names are DNS:example.org, DNS:*.example.org, IP Address:192.0.2.9";
const tls = (changes: Record<string, unknown> = {}) => ({
  tls: { mode: "certificate", certificate: CERTIFICATE, key: KEY, ...changes },
});

describe("configuration: tls", () => {
  table([
    [tls()],
    [{ ...tls(), domains: ["example.org", "www.example.org", "192.0.2.9"] }],
    [
      { ...tls(), domains: ["example.net"] },
      `tls.certificate: does not cover example.net, ${NAMES}`,
    ],
    [
      { ...tls(), domains: ["a.b.example.org"] },
      `tls.certificate: does not cover a.b.example.org, ${NAMES}`,
    ],
    [{ ...tls(), domains: ["192.0.2.8"] }, `tls.certificate: does not cover 192.0.2.8, ${NAMES}`],
    [
      tls({ key: OTHER_KEY }),
      "tls.key: does not belong to the first certificate of tls.certificate",
    ],
    [tls({ key: ENCRYPTED_KEY }), `tls.key: ${KEY_RULE}`],
    [tls({ key: "hunter2" }), `tls.key: ${KEY_RULE}`],
    [tls({ certificate: "hunter2" }), `tls.certificate: ${CERTIFICATE_RULE}`],
    [tls({ certificate: CERTIFICATE + KEY }), `tls.certificate: ${CERTIFICATE_RULE}`],
    [
      tls({ certificate: CERTIFICATE.replaceAll("M", "!") }),
      `tls.certificate: ${CERTIFICATE_RULE}`,
    ],
    [
      { "tls.mode": "certificate" },
      ...["certificate", "key"].map(
        (field) => `tls.${field}: is missing, required with tls.mode "certificate"`,
      ),
    ],
    [
      { "tls.certificate": CERTIFICATE },
      'tls.certificate: is given, but tls.mode is "selfsigned": set tls.mode to "certificate"',
    ],
    [
      { "tls.key": KEY },
      'tls.key: is given, but tls.mode is "selfsigned": set tls.mode to "certificate"',
    ],
    [
      { "tls.mode": "letsencrypt" },
      'tls.mode: is "letsencrypt", must be "selfsigned" or "certificate"',
    ],
  ]);

  describe("after the certificate's end", () => {
    table([[tls(), "tls.certificate: expired on Oct 28 10:26:52 2126 GMT, must be valid today"]], {
      now: new Date("2126-10-29T00:00:00Z"),
    });
  });

  describe("before the certificate's start", () => {
    table(
      [
        [
          tls(),
          "tls.certificate: is not valid before Nov 21 10:26:52 2026 GMT, must be valid today",
        ],
      ],
      { now: new Date("2026-01-01T00:00:00Z") },
    );
  });

  it("gives PEM with Unix line ends", () => {
    const windows = {
      certificate: ` ${CERTIFICATE.replaceAll("\n", "\r\n")}\r\n`,
      key: KEY.replaceAll("\n", "\r\n"),
    };
    assert.deepEqual(parsed(tls(windows)).tls, tls().tls);
    assert.deepEqual(parsed().tls, { mode: "selfsigned" });
  });

  it("counts the days that a certificate has left", () => {
    const given = parsed(tls()).tls;
    assert.equal(certificateDaysLeft(given, new Date("2126-10-27T00:00:00Z")), 1);
    assert.equal(certificateDaysLeft(parsed().tls, new Date()), undefined);
  });
});

const CIDR =
  "must be a network in CIDR form without host bits, such as 203.0.113.7/32 or 2001:db8::/64";

describe("configuration: firewall", () => {
  const internal = Object.entries(PORTS).filter(([name]) => name !== "http" && name !== "https");
  table([
    [{ firewall: { sshFrom: ["203.0.113.7/32", "2001:db8::/64"], publicPorts: [80, 443, 8443] } }],
    [
      { "firewall.sshFrom": [] },
      "firewall.sshFrom: is empty, must be a list of networks such as [203.0.113.7/32]",
    ],
    [{ "firewall.sshFrom": ["203.0.113.7"] }, `firewall.sshFrom[0]: is "203.0.113.7", ${CIDR}`],
    [{ "firewall.sshFrom": ["10.0.0.1/8"] }, `firewall.sshFrom[0]: is "10.0.0.1/8", ${CIDR}`],
    [{ "firewall.sshFrom": ["10.0.0.0/33"] }, `firewall.sshFrom[0]: is "10.0.0.0/33", ${CIDR}`],
    [
      { "firewall.sshFrom": ["2001:db8::/129"] },
      `firewall.sshFrom[0]: is "2001:db8::/129", ${CIDR}`,
    ],
    [
      { "firewall.sshFrom": ["0.0.0.0/0", "0.0.0.0/0"] },
      'firewall.sshFrom[1]: repeats "0.0.0.0/0"',
    ],
    [
      { "firewall.publicPorts": [] },
      "firewall.publicPorts: is empty, must be a list of ports such as [80, 443]",
    ],
    [
      { "firewall.publicPorts": [80, 70000] },
      "firewall.publicPorts[1]: is 70000, must be a whole number from 1 to 65535",
    ],
    [
      { "firewall.publicPorts": [22] },
      "firewall.publicPorts[0]: is 22, SSH of machine vm1: trivet:firewall.sshFrom says who may reach it",
    ],
    ...internal.map(([name, number]): Row => [
      { "firewall.publicPorts": [443, number] },
      `firewall.publicPorts[1]: is ${number}, the platform's own port (${name})`,
    ]),
  ]);

  it("fills the defaults", () => {
    const expected = { sshFrom: ["0.0.0.0/0", "::/0"], publicPorts: [80, 443] };
    assert.deepEqual(parsed().firewall, expected);
  });
});

describe("configuration: loadBalancer", () => {
  table([
    [
      { "loadBalancer.maxBodyMiB": 0 },
      "loadBalancer.maxBodyMiB: is 0, must be a whole number from 1 to 10240",
    ],
    [
      { "loadBalancer.readTimeoutSeconds": 90_000 },
      "loadBalancer.readTimeoutSeconds: is 90000, must be a whole number from 1 to 86400",
    ],
  ]);

  it("fills the defaults", () => {
    assert.deepEqual(parsed().loadBalancer, { maxBodyMiB: 32, readTimeoutSeconds: 300 });
  });
});
