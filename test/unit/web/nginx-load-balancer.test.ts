import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { renderNginxConfig, UNAVAILABLE_PAGE } from "../../../components/web/nginx-files";
import type { NginxLoadBalancerArgs } from "../../../components/web/nginx-load-balancer";
import { NginxLoadBalancer } from "../../../components/web/nginx-load-balancer";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { problemsOf, valueOf } from "../support/outputs";
import { hosts, knownHosts, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";
import { assertRolls } from "../support/rolls";
import { filesIn } from "../support/script-input";
import { scriptOf } from "../support/stand-ins";

const KEY = "-----BEGIN PRIVATE KEY-----\nkey-of-the-site\n";
const upstreams = [{ name: "web", port: 8000 }];
const routes = [{ host: "example.org", path: "/", service: "web" }];

describe("NginxLoadBalancer", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const args = (count: number): NginxLoadBalancerArgs => ({
    hosts: hosts(count),
    swarm: swarmHandle(),
    image: "sha256:nginx",
    upstreams,
    routes,
    tls: { certificate: pulumi.output("CERTIFICATE"), key: KEY },
  });

  for (const count of [1, 3]) {
    it(`answers on each of ${count}, with the same files`, async () => {
      const nginx = new NginxLoadBalancer("nginx", args(count));
      await engine.settled();
      const machines = hosts(count).map(({ name }) => name);
      assert.deepEqual(
        engine.namesOf("docker:index/service:Service"),
        machines.map((machine) => `nginx-${machine}`),
      );
      const addresses = machines.map((_, i) => `203.0.113.${i + 1}`);
      assert.deepEqual(await valueOf(nginx.addresses), addresses);
      const limits = { maxBodyMiB: 32, readTimeoutSeconds: 300 };
      const open = { mode: "0644", owner: "0:0" };
      for (const machine of machines) {
        const { words, data } = engine.script(`nginx-${machine}-files`);
        assert.deepEqual(filesIn(data), {
          "/etc/trivet/nginx/nginx.conf": {
            ...open,
            content: renderNginxConfig({ upstreams, routes, ...limits }),
          },
          "/etc/trivet/nginx/start.sh": {
            ...open,
            content: [scriptOf("swarm", "child.sh"), scriptOf("web", "start.sh")].join("\n"),
          },
          "/etc/trivet/nginx/pages/unavailable.html": { ...open, content: UNAVAILABLE_PAGE },
          "/etc/trivet/nginx/certificate.pem": { ...open, content: "CERTIFICATE" },
          "/etc/trivet/nginx/certificate-key.pem": { mode: "0400", owner: "0:0", content: KEY },
        });
        assert.match(
          words[0] ?? "",
          new RegExp(`service\\.name=nginx-${machine}\\)[^]*--signal HUP `),
        );
        assert.ok(engine.get(`nginx-${machine}`).dependsOn.includes(`nginx-${machine}-files`));
      }
    });
  }

  it("takes the ports of the machine, and lets requests end before it does", async () => {
    new NginxLoadBalancer("nginx", args(1));
    await engine.settled();
    const { inputs } = engine.get("nginx-vm1");
    const { containerSpec, networksAdvanceds } = inputs.taskSpec as Record<string, unknown>;
    assert.deepEqual(inputs.endpointSpec, {
      mode: "dnsrr",
      ports: [
        { targetPort: 80, publishedPort: 80, publishMode: "host" },
        { targetPort: 443, publishedPort: 443, publishMode: "host" },
      ],
    });
    assert.deepEqual(networksAdvanceds, [{ id: "overlay-id" }]);
    assert.deepEqual(containerSpec, {
      image: "sha256:nginx",
      hostname: "vm1",
      commands: ["bash", "/etc/trivet/start.sh", "4"],
      healthcheck: {
        tests: ["CMD", "bash", "-c", "</dev/tcp/127.0.0.1/8998"],
        interval: "5s",
        timeout: "3s",
        retries: 3,
        startPeriod: "10s",
      },
      mounts: [
        { type: "bind", source: "/etc/trivet/nginx", target: "/etc/trivet", readOnly: true },
      ],
      sysctl: {
        "net.core.somaxconn": "65535",
        "net.ipv4.tcp_retries2": "5",
        "net.ipv4.tcp_keepalive_time": "2",
        "net.ipv4.tcp_keepalive_intvl": "1",
        "net.ipv4.tcp_keepalive_probes": "4",
      },
      stopGracePeriod: "1m14s",
      stopSignal: "SIGQUIT",
    });
  });

  it("says that it leaves where its configuration looks", async () => {
    new NginxLoadBalancer("nginx", args(1));
    await engine.settled();
    const files = filesIn(engine.script("nginx-vm1-files").data);
    const looks = /\(-f ([^)]*)\)/.exec(files["/etc/trivet/nginx/nginx.conf"]?.content ?? "");
    const writes = /LEAVING:-([^}]*)\}/.exec(files["/etc/trivet/nginx/start.sh"]?.content ?? "");
    assert.ok(looks);
    assert.deepEqual(writes?.slice(1), looks.slice(1));
  });

  it("reaches one machine after the other", async () => {
    new NginxLoadBalancer("nginx", { ...args(3), hosts: knownHosts(3) });
    await engine.settled();
    assertRolls(engine, "nginx");
  });

  it("runs without services too, before there are any", async () => {
    new NginxLoadBalancer("nginx", { ...args(1), upstreams: [], routes: [] });
    await engine.settled();
    const files = filesIn(engine.script("nginx-vm1-files").data);
    const limits = { maxBodyMiB: 32, readTimeoutSeconds: 300 };
    assert.equal(
      files["/etc/trivet/nginx/nginx.conf"]?.content,
      renderNginxConfig({ upstreams: [], routes: [], ...limits }),
    );
  });

  it("tells the key to nobody", async () => {
    new NginxLoadBalancer("nginx", args(3));
    await engine.settled();
    assertNoLeak(engine.made, [KEY.trimEnd()]);
  });

  it("waits for what it is told to wait for", async () => {
    const before = new NginxLoadBalancer("before", args(1));
    new NginxLoadBalancer("nginx", args(3), { dependsOn: before });
    await engine.settled();
    for (const name of ["nginx-vm3-files", "nginx-vm3"]) {
      assert.ok(engine.get(name).dependsOn.includes("before-vm1"), name);
    }
  });

  it("has the defaults that its documentation names", () => {
    const documented = documentedDefaults(
      "components/web/nginx-load-balancer.ts",
      "NginxLoadBalancerArgs",
    );
    assert.deepEqual(documented, { maxBodyMiB: 32, readTimeoutSeconds: 300 });
  });

  const route = (changes: Partial<(typeof routes)[0]>) => ({
    routes: [{ host: "a", path: "/", service: "web", ...changes }],
  });
  const blank = "must start with / and hold no blank, quote, semicolon or brace";
  const name = "must be 1 to 63 lower-case letters, digits or hyphens, starting with a letter";
  const bad: [string, Partial<NginxLoadBalancerArgs>, ...string[]][] = [
    ["no machine", { hosts: [] }, "hosts: is empty, needs at least one entry"],
    [
      "two upstreams of one name",
      { upstreams: [...upstreams, ...upstreams] },
      "upstreams: repeats web",
    ],
    ["two routes for one path", { routes: [...routes, ...routes] }, "routes: repeats example.org/"],
    [
      "a body of nothing",
      { maxBodyMiB: 0 },
      "maxBodyMiB: is 0, must be a whole number from 1 to 10240",
    ],
    [
      "no time",
      { readTimeoutSeconds: 0 },
      "readTimeoutSeconds: is 0, must be a whole number from 1 to 86400",
    ],
    [
      "an odd upstream",
      { upstreams: [...upstreams, { name: "a_b", port: 0 }] },
      `upstreams[1].name: is "a_b", ${name}`,
      "upstreams[1].port: is 0, must be a whole number from 1 to 65535",
    ],
    [
      "a host of two words",
      route({ host: "a b" }),
      'routes[0].host: is "a b", must be a host name',
    ],
    [
      "a host that ends the line",
      route({ host: "a;" }),
      'routes[0].host: is "a;", must be a host name',
    ],
    ["a path without slash", route({ path: "a" }), `routes[0].path: is "a", ${blank}`],
    ["a path that ends the block", route({ path: "/}" }), `routes[0].path: is "/}", ${blank}`],
    ["a path with a variable", route({ path: "/$x" }), `routes[0].path: is "/$x", ${blank}`],
    [
      "an unknown service",
      route({ service: "api" }),
      "routes[0].service: is api, must be one of web",
    ],
  ];
  for (const [title, given, ...problems] of bad) {
    it(`refuses ${title}, and makes nothing`, () => {
      assert.deepEqual(
        problemsOf(() => new NginxLoadBalancer("nginx", { ...args(1), ...given })),
        problems.map((problem) => `  - ${problem}`),
      );
      assert.deepEqual(engine.namesOf("trivet:web:NginxLoadBalancer"), []);
    });
  }
});
