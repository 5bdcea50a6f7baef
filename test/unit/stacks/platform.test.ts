import assert from "node:assert/strict";
import { assertNoLeak } from "../support/leaks";
import { keyOf, passwordOf, TOKENS } from "../support/platform";
import type { Recorder } from "../support/recorder";
import { filesIn } from "../support/script-input";
import { CERTIFICATE, KEY } from "./config/pem";
import { GIVEN_SECRET, ONE, Program, REGISTRY_PASSWORD, THREE } from "./program";

const SECRETS = ["DATABASE_DIRECT_URL", "DATABASE_PASSWORD", "DATABASE_READ_URL", "DATABASE_URL"];
const PASSWORDS = ["application", "replication", "rest", "rewind", "superuser"];
const BUILT = ["etcd", "postgres", "valkey"];
const BUILT_FOR_ALL = ["haproxy", "pgbouncer"];

/** Names of everything that a platform of these machines is made of; the first core machine is vm1. */
function expectedNames(core: readonly string[], app: readonly string[]): string[] {
  const all = [...core, ...app];
  const on = (machines: readonly string[], ...names: string[]) =>
    machines.flatMap((machine) => names.map((name) => name.replace("*", machine)));
  const service = (name: string) => [name, name, ...SECRETS.map((secret) => `${name}-${secret}`)];
  return [
    ...all,
    ...["machine", "kernel", "docker", "firewall", "swarm"],
    ...["image", "router-image", "app-image"],
    ...on(all, "machine-*-facts", "kernel-*-sysctl", "docker-*-docker"),
    ...on(all, "firewall-*-stage", "firewall-*-confirm", "swarm-*-gateway", "swarm-*-join"),
    ...["swarm-init", "swarm-nodes", "swarm-owner", "swarm-provider", "swarm-overlay"],
    ...on(core, ...BUILT.map((image) => `image-${image}-*`), "image-nginx-*"),
    ...BUILT.map((image) => `image-${image}-vm1-context`),
    ...on(all, ...BUILT_FOR_ALL.map((image) => `router-image-${image}-*`)),
    ...BUILT_FOR_ALL.map((image) => `router-image-${image}-vm1-context`),
    ...["etcd", "etcd", "etcd-authority", "etcd-authority-key", "etcd-found", "etcd-members"],
    ...on(core, "etcd-*", "etcd-*-files", "etcd-*-key", "etcd-*-request", "etcd-*-certificate"),
    ...["stale-ports", ...on(all, "stale-ports-*-files")],
    ...["leaving", "leaving-handover", "obsolete", "obsolete-removed"],
    ...["postgres", "postgres-settings", "postgres-roles"],
    ...PASSWORDS.map((role) => `postgres-${role}`),
    ...["dump", ...on(core, "dump-*-files")],
    ...(all.length > 1 ? ["spread", ...on(core, "spread-*-files")] : []),
    ...["router", "pgbouncer", "pgbouncer-admin", "valkey", "valkey-password"],
    ...on(core, "postgres-*", "postgres-*-files", "postgres-*-passwords"),
    ...on(core, "valkey-*", "valkey-*-files"),
    ...(core.length > 1
      ? [
          ...on(core, "postgres-*-handover"),
          ...["valkey-settle", ...on(core, "valkey-sentinel-*", "valkey-sentinel-*-files")],
        ]
      : []),
    ...["valkey-router", ...on(all, "valkey-router-*", "valkey-router-*-files")],
    ...on(all, "router-*", "router-*-files", "pgbouncer-*", "pgbouncer-*-files"),
    ...["pooler-guard", ...on(all, "pooler-guard-*", "pooler-guard-*-files")],
    ...on(all, "app-image-web-*", "app-image-api-*"),
    "app-image-api-vm1-context",
    ...service("web"),
    ...service("api"),
    ...["web", "api"].flatMap((name) => [`${name}-REDIS_URL`, `${name}-REDIS_PASSWORD`]),
    // Once as the password that is made, once as the secret that holds it.
    ...["web-SESSION_KEY", "web-SESSION_KEY", "web-MAIL_PASSWORD", "web-migrate"],
    ...["web-try", "api-try"],
    ...["certificate", "certificate", "certificate-key"],
    ...["nginx", ...on(core, "nginx-*", "nginx-*-files")],
  ].sort();
}

/** Everything that a resource waits for, at any distance; the engine waits for its provider too. */
function waitsFor(engine: Recorder, name: string, seen = new Set<string>()): Set<string> {
  const called = engine.made.filter((made) => made.name === name);
  const next = called.flatMap(({ dependsOn, provider = [] }) => dependsOn.concat(provider));
  for (const each of next.filter((other) => other !== name && !seen.has(other))) {
    seen.add(each);
    waitsFor(engine, each, seen);
  }
  return seen;
}

const stacks = [
  { title: "one machine", machines: ONE, core: ["vm1"], app: [] },
  {
    title: "three machines and one more",
    machines: THREE,
    core: ["vm1", "vm2", "vm3"],
    app: ["app1"],
  },
];

for (const { title, machines, core, app } of stacks) {
  describe(`the platform on ${title}`, () => {
    let program: Program;
    let engine: Recorder;
    before(async () => {
      program = new Program();
      engine = program.engine;
      await program.run({ machines });
    });
    after(() => {
      program.remove();
    });

    it("is made of the same parts under the same names", () => {
      assert.deepEqual(engine.names(), expectedNames(core, app));
    });

    it("gives every name once in its type", () => {
      const names = engine.made.map(({ type, parent, name }) => [type, parent, name].join(" "));
      assert.equal(new Set(names).size, names.length);
    });

    it("tells none of its secrets", () => {
      const made = [
        ...["postgres-application", "postgres-superuser", "postgres-replication"],
        ...["postgres-rewind", "postgres-rest", "pgbouncer-admin", "valkey-password"],
      ];
      assertNoLeak(engine.made, [
        ...made.map(passwordOf),
        passwordOf("web-SESSION_KEY"),
        ...["etcd-authority-key", "etcd-vm1-key", "certificate-key"].map((n) => keyOf(n).trimEnd()),
        ...[GIVEN_SECRET, REGISTRY_PASSWORD, KEY.trimEnd()],
        ...(core.length > 1 ? Object.values(TOKENS) : []),
      ]);
    });

    it("measures a machine before it changes anything anywhere", () => {
      const facts = [...core, ...app].map((machine) => `machine-${machine}-facts`);
      assert.deepEqual(
        facts.map((name) => engine.get(name).dependsOn),
        facts.map(() => []),
      );
      const changing = engine.made.filter(
        ({ type, name }) => /^(command|docker):/.test(type) && !facts.includes(name),
      );
      assert.ok(changing.length > 30);
      for (const { name } of changing) {
        const waited = waitsFor(engine, name);
        for (const fact of facts) assert.ok(waited.has(fact), `${name} waits for ${fact}`);
      }
    });

    it("closes the firewall and installs Docker before there is a Swarm", () => {
      const waited = waitsFor(engine, "swarm-init");
      for (const machine of [...core, ...app]) {
        assert.ok(waited.has(`firewall-${machine}-confirm`));
        assert.ok(waited.has(`docker-${machine}-docker`));
        assert.ok(waited.has(`kernel-${machine}-sysctl`));
      }
    });

    it("starts applications once their data services are up, and nginx last", () => {
      const web = waitsFor(engine, "web");
      for (const machine of core) {
        for (const name of ["etcd", "postgres", "valkey"])
          assert.ok(web.has(`${name}-${machine}`), `${name}-${machine}`);
        const nginx = waitsFor(engine, `nginx-${machine}`);
        assert.ok(nginx.has("web") && nginx.has("api"));
      }
      assert.ok(web.has("postgres-roles") && web.has("web-migrate"));
      for (const machine of [...core, ...app]) {
        for (const name of ["router", "pgbouncer", "valkey-router", "app-image-web"]) {
          assert.ok(web.has(`${name}-${machine}`), `${name}-${machine}`);
        }
      }
    });

    it("runs every container from an image's identity, never from a name", () => {
      const services = engine.made.filter(({ type }) => type === "docker:index/service:Service");
      const sentinels = core.length > 1 ? core.length : 0;
      assert.equal(services.length, 8 * core.length + sentinels + 4 * app.length + 2);
      for (const { name, inputs, provider } of services) {
        const { containerSpec } = inputs.taskSpec as { containerSpec: { image: string } };
        assert.match(containerSpec.image, /^sha256:of-/, name);
        assert.equal(provider, "swarm-provider");
      }
    });

    it("gives each application its environment", () => {
      const { containerSpec } = engine.get("web").inputs.taskSpec as {
        containerSpec: { image: string; env: Record<string, string>; hosts: unknown };
      };
      const { env } = containerSpec;
      assert.equal(containerSpec.image, "sha256:of-app-image-web-vm1");
      assert.deepEqual([env.WEB_CONCURRENCY, env.DEMO], ["4", "1"]);
      assert.deepEqual([env.DATABASE_NAME, env.DATABASE_USER], ["app", "app"]);
      assert.equal(env.SESSION_KEY_FILE, "/run/secrets/SESSION_KEY");
      assert.deepEqual(containerSpec.hosts, [
        { host: "database", ip: "10.212.0.1" },
        { host: "cache", ip: "10.212.0.1" },
      ]);
      const { inputs } = engine.get("api");
      assert.deepEqual(inputs.mode, { replicated: { replicas: 1 } });
    });

    it("lets every machine log in to Postgres, and the members alone replicate", () => {
      const sent = filesIn(engine.script("postgres-vm1-files").data);
      const conf = sent["/etc/trivet/postgres/patroni.yml"]?.content ?? "";
      const allowed = [...conf.matchAll(/- host (all|replication) \S+ (\S+)\/32 /g)];
      const from = (kind: string) => allowed.flatMap(([, k, ip]) => (k === kind ? [ip] : []));
      const members = core.map((_, i) => `10.0.0.${i + 1}`);
      assert.deepEqual(from("replication"), members);
      const clients = app.map((_, i) => `10.0.0.${core.length + i + 1}`);
      assert.deepEqual(from("all"), ["127.0.0.1", ...members, ...clients]);
    });

    it("sizes Postgres, pooler and cache from what was measured", () => {
      const sent = engine.script("postgres-settings").data.split("\n")[1] ?? "";
      const { postgresql } = JSON.parse(sent) as {
        postgresql: { parameters: Record<string, unknown> };
      };
      const connections = core.length === 1 ? 70 : 190;
      assert.equal(postgresql.parameters.max_connections, connections);
      assert.equal(postgresql.parameters.shared_buffers, "488MB");
      const pooler = filesIn(engine.script("pgbouncer-vm1-files").data);
      const ini = pooler["/etc/trivet/pgbouncer/pgbouncer.ini"]?.content ?? "";
      assert.match(
        ini,
        /\ndefault_pool_size = 20\nmax_client_conn = 1000\nquery_wait_timeout = 45\n/,
      );
      const cache = filesIn(engine.script("valkey-vm1-files").data);
      assert.match(cache["/etc/trivet/valkey/valkey.conf"]?.content ?? "", /\nmaxmemory 122mb\n/);
    });

    it("routes each host and path", () => {
      const files = filesIn(engine.script("nginx-vm1-files").data);
      const conf = files["/etc/trivet/nginx/nginx.conf"]?.content ?? "";
      const places = [...conf.matchAll(/server_name (\S+);|location (\S+) { proxy_pass (\S+);/g)];
      const names = places.map(([, name = "", path = "", target = ""]) => name + path + target);
      assert.deepEqual(names, [
        ...["example.org", "example.org", "/http://web", "/apihttp://api"],
        ...["www.example.org", "www.example.org", "/http://web"],
      ]);
      assert.match(conf, /server api:9000 resolve/);
    });
  });
}

describe("the platform, configured otherwise", () => {
  let program: Program;
  beforeEach(() => {
    program = new Program();
  });
  afterEach(() => {
    program.remove();
  });
  const confOf = (machine: string) => filesIn(program.engine.script(`nginx-${machine}-files`).data);

  it("takes a certificate that is given, and makes none", async () => {
    const tls = { mode: "certificate", certificate: CERTIFICATE, key: KEY };
    await program.run({ machines: ONE, tls, domains: ["example.org"] });
    assert.deepEqual(program.engine.namesOf("tls:index/selfSignedCert:SelfSignedCert"), [
      "etcd-authority",
    ]);
    const files = confOf("vm1");
    assert.equal(files["/etc/trivet/nginx/certificate.pem"]?.content, CERTIFICATE);
    assert.equal(files["/etc/trivet/nginx/certificate-key.pem"]?.content, KEY);
    assertNoLeak(program.engine.made, [KEY.trimEnd()]);
  });

  it("hands every setting to the component that it is for", async () => {
    await program.run({
      machines: { vm1: { ...ONE.vm1, port: 2222, user: "ops" } },
      network: { gatewaySubnet: "10.99.0.0/24", mtu: 1300 },
      kernel: { sysctls: { "net.core.somaxconn": 1024 }, reservedPorts: [9100] },
      docker: { logMaxSizeMiB: 3 },
      firewall: { sshFrom: ["203.0.113.0/24"] },
      loadBalancer: { maxBodyMiB: 5, readTimeoutSeconds: 6 },
      database: {
        name: "shop",
        user: "shopper",
        parameters: { work_mem: "8MB" },
        pool: { waitSeconds: 9 },
      },
      cache: { memoryMiB: 99 },
      images: { debian: "debian:13", nginx: "nginx:1.31" },
    });
    const { engine } = program;
    const { connection } = engine.get("machine-vm1-facts").inputs;
    assert.deepEqual(connection, { ...(connection as object), port: 2222, user: "ops" });
    assert.match(engine.script("kernel-vm1-sysctl").args, /net\.core\.somaxconn = 1024\n/);
    assert.match(engine.script("kernel-vm1-sysctl").args, /8008,9100,26379/);
    assert.match(engine.script("docker-vm1-docker").args, /"max-size": "3m"/);
    assert.match(engine.script("firewall-vm1-stage").args, /^stage vm1 2222 /);
    assert.match(engine.script("firewall-vm1-stage").args, /203\.0\.113\.0\/24/);
    assert.match(engine.script("firewall-vm1-stage").args, /10\.99\.0\.0\/24/);
    assert.deepEqual(engine.script("swarm-vm1-gateway").words, ["10.99.0.0/24", "10.99.0.1"]);
    assert.match(JSON.stringify(engine.get("swarm-overlay").inputs), /"1300"/);
    assert.deepEqual(engine.script("postgres-roles").words.slice(1, 3), ["shopper", "shop"]);
    assert.match(engine.script("postgres-settings").data, /"work_mem":"8MB"/);
    assert.match(
      filesIn(engine.script("pgbouncer-vm1-files").data)["/etc/trivet/pgbouncer/pgbouncer.ini"]
        ?.content ?? "",
      /query_wait_timeout = 9\n/,
    );
    assert.match(
      filesIn(engine.script("valkey-vm1-files").data)["/etc/trivet/valkey/valkey.conf"]?.content ??
        "",
      /\nmaxmemory 99mb\n/,
    );
    assert.match(
      filesIn(engine.script("valkey-router-vm1-files").data)[
        "/etc/trivet/valkey-router/haproxy.cfg"
      ]?.content ?? "",
      /\n {2}bind 10\.99\.0\.1:6380\n/,
    );
    assert.match(
      confOf("vm1")["/etc/trivet/nginx/nginx.conf"]?.content ?? "",
      /client_max_body_size 5m;\n {2}proxy_read_timeout 6s;/,
    );
    assert.ok(engine.script("image-etcd-vm1").words.includes("DEBIAN=debian:13"));
    assert.equal(engine.script("image-nginx-vm1").words[1], "nginx:1.31");
  });

  it("runs without applications, before there are any", async () => {
    const none = { "services.web": undefined, "services.api": undefined };
    await program.run({ machines: ONE, services: {}, ...none });
    assert.deepEqual(program.engine.namesOf("trivet:web:AppService"), []);
    assert.ok(program.engine.names().includes("nginx-vm1"));
  });
});
