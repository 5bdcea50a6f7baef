import assert from "node:assert/strict";
import { parsed, table, type Row } from "./fixture";

const SYSCTL_NAME = "must be named like net.core.somaxconn";
const network = (low: number, high: number, example: string) =>
  `must be an IPv4 network from /${low} to /${high} without host bits, such as ${example}`;

describe("configuration: network", () => {
  const overlay = network(8, 20, "10.213.0.0/20");
  table([
    [{ network: { overlaySubnet: "172.20.0.0/16", mtu: 1350, encrypted: true } }],
    [
      { "network.overlaySubnet": "10.213.0.0/24" },
      `network.overlaySubnet: is "10.213.0.0/24", ${overlay}`,
    ],
    [
      { "network.overlaySubnet": "10.213.0.1/20" },
      `network.overlaySubnet: is "10.213.0.1/20", ${overlay}`,
    ],
    [
      { "network.overlaySubnet": "10.213.0.0" },
      `network.overlaySubnet: is "10.213.0.0", ${overlay}`,
    ],
    [{ "network.overlaySubnet": "fd00::/20" }, `network.overlaySubnet: is "fd00::/20", ${overlay}`],
    [
      { "network.gatewaySubnet": "10.212.0.0/30" },
      `network.gatewaySubnet: is "10.212.0.0/30", ${network(8, 28, "10.212.0.0/24")}`,
    ],
    [
      { "network.addressPool": "10.214.0.0/24" },
      `network.addressPool: is "10.214.0.0/24", ${network(8, 22, "10.214.0.0/16")}`,
    ],
    [{ "network.mtu": 1500 }, "network.mtu: is 1500, must be a whole number from 576 to 1400"],
    [{ "network.encrypted": "true" }, 'network.encrypted: is "true", must be true or false'],
    [
      { "network.gatewaySubnet": "10.213.1.0/24" },
      "network.gatewaySubnet: is 10.213.1.0/24, overlaps overlaySubnet (10.213.0.0/20)",
    ],
    [
      { "network.addressPool": "10.212.0.0/16" },
      "network.addressPool: is 10.212.0.0/16, overlaps gatewaySubnet (10.212.0.0/24)",
    ],
    [
      { "network.overlaySubnet": "10.0.0.0/16" },
      "network.overlaySubnet: is 10.0.0.0/16, holds the address of machine vm1 (10.0.0.1)",
    ],
    [
      { "network.addressPool": "192.0.0.0/16" },
      "network.addressPool: is 192.0.0.0/16, holds the address of machine vm1 (192.0.2.1)",
    ],
    [{ network: null }, "network: is empty, must be a mapping"],
    [{ "network.mut": 1400 }, 'network.mut: is unknown, did you mean "mtu"?'],
  ]);

  it("fills the defaults", () => {
    assert.deepEqual(parsed().network, {
      overlaySubnet: "10.213.0.0/20",
      gatewaySubnet: "10.212.0.0/24",
      addressPool: "10.214.0.0/16",
      mtu: 1400,
      encrypted: false,
    });
  });
});

describe("configuration: docker", () => {
  const mirror = "must be an http or https address without user, path or query";
  const wrongMirror = (value: string, shown: string): Row => [
    { "docker.registryMirrors": [value] },
    `docker.registryMirrors[0]: is "${shown}", ${mirror}`,
  ];
  const wrongRegistry = (value: string): Row => [
    { "docker.insecureRegistries": [value] },
    `docker.insecureRegistries[0]: is "${value}", must be host:port`,
  ];
  table([
    [
      {
        docker: {
          registryMirrors: ["https://mirror.example.org"],
          insecureRegistries: ["10.0.0.9:5000", "registry.lan:5000"],
        },
      },
    ],
    wrongMirror("mirror.example.org", "mirror.example.org"),
    wrongMirror("ftp://mirror.example.org", "ftp://mirror.example.org"),
    wrongMirror("https://ops:hunter2@mirror.example.org", "…@mirror.example.org"),
    [
      { "docker.registryMirrors": "x" },
      "docker.registryMirrors: is text, must be a list of addresses",
    ],
    wrongRegistry("registry.lan"),
    wrongRegistry("registry.lan:0"),
    wrongRegistry("http://registry.lan:5000"),
    [
      { "docker.logMaxSizeMiB": 0 },
      "docker.logMaxSizeMiB: is 0, must be a whole number from 1 to 1024",
    ],
    [
      { "docker.logMaxFiles": 101 },
      "docker.logMaxFiles: is 101, must be a whole number from 1 to 100",
    ],
  ]);

  it("fills the defaults", () => {
    const expected = {
      registryMirrors: [],
      insecureRegistries: [],
      logMaxSizeMiB: 10,
      logMaxFiles: 5,
    };
    assert.deepEqual(parsed().docker, expected);
  });
});

describe("configuration: kernel", () => {
  table([
    [{ "kernel.sysctls": { somaxconn: 1 } }, `kernel.sysctls.somaxconn: is 1, ${SYSCTL_NAME}`],
    [
      { "kernel.sysctls": { "net.core.x=1\n": 1 } },
      `kernel.sysctls["net.core.x=1\\n"]: is 1, ${SYSCTL_NAME}`,
    ],
    [
      { "kernel.sysctls": { "net.core.somaxconn": true } },
      'kernel.sysctls["net.core.somaxconn"]: is true, must be text or a whole number',
    ],
    [
      { "kernel.sysctls": { "net.core.somaxconn": "1\n2" } },
      'kernel.sysctls["net.core.somaxconn"]: is "1\\n2", must be text on one line or a whole number',
    ],
    [
      { "kernel.sysctls": { "net.ipv4.ip_local_reserved_ports": "9000" } },
      'kernel.sysctls["net.ipv4.ip_local_reserved_ports"]: is set by the platform: list the ports in trivet:kernel.reservedPorts',
    ],
    [
      { "kernel.reservedPorts": [9000, 0] },
      "kernel.reservedPorts[1]: is 0, must be a whole number from 1 to 65535",
    ],
    [{ "kernel.reservedPorts": [9000, 9000] }, "kernel.reservedPorts[1]: repeats 9000"],
    [
      { "kernel.limitNoFile": 10 },
      "kernel.limitNoFile: is 10, must be a whole number from 1024 to 1048576",
    ],
  ]);

  it("gives values as text, and the defaults", () => {
    const sysctls = { "net.core.somaxconn": 1024, "net.ipv4.ip_local_port_range": "1024 65535 " };
    assert.deepEqual(parsed({ "kernel.sysctls": sysctls }).kernel, {
      sysctls: { "net.core.somaxconn": "1024", "net.ipv4.ip_local_port_range": "1024 65535" },
      reservedPorts: [],
      limitNoFile: 65_535,
    });
  });
});

describe("configuration: images", () => {
  const image = "must be an image reference such as registry.example.org/shop:1.4";
  const wrong = (value: string): Row => [
    { "images.nginx": value },
    `images.nginx: is ${JSON.stringify(value)}, ${image}`,
  ];
  const registry = "must be host[:port][/path] of a registry, without scheme or user";
  table([
    [{ "images.debian": "registry.lan:5000/base/debian:13-slim" }],
    [{ "images.nginx": `nginx:1.30@sha256:${"a".repeat(64)}` }],
    [{ "images.nginx": `sha256:${"a".repeat(64)}` }],
    wrong("Nginx"),
    wrong("nginx:"),
    wrong("nginx:1.30; id"),
    wrong("nginx@sha256:abc"),
    wrong("https://registry.lan/nginx"),
    [
      {
        "images.registry": {
          address: "registry.lan:5000/shop",
          push: true,
          username: "ci",
          password: "hunter2",
        },
      },
    ],
    [{ "images.registry": { push: true } }, `images.registry.address: is missing, ${registry}`],
    [
      { "images.registry": { address: "https://registry.lan" } },
      `images.registry.address: is "https://registry.lan", ${registry}`,
    ],
    [
      { "images.registry": { address: "ci:hunter2@registry.lan" } },
      `images.registry.address: is "…@registry.lan", ${registry}`,
    ],
    [
      { "images.registry": { address: "registry.lan", username: "ci" } },
      "images.registry.password: is missing, required with username",
    ],
    [
      { "images.registry": { address: "registry.lan", password: "hunter2" } },
      "images.registry.username: is missing, required with password",
    ],
    [
      { "images.registry": { address: "registry.lan", username: "ci", password: "hun\nter2" } },
      "images.registry.password: must be a password or token on one line",
    ],
    [{ "images.registry": "registry.lan" }, "images.registry: is text, must be a mapping"],
  ]);

  it("fills the defaults", () => {
    assert.deepEqual(parsed().images, { debian: "debian:trixie-slim", nginx: "nginx:1.30" });
    const { registry: given } = parsed({ "images.registry": { address: "registry.lan" } }).images;
    assert.deepEqual(given, { address: "registry.lan", push: false });
  });
});
