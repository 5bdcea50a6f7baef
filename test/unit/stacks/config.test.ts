import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { InvalidArgsError } from "../../../components/core/args-check";
import { loadConfig, parseConfig } from "../../../stacks/config";
import { AT, base, changed, machine, parsed, problemsOf, table } from "./config/fixture";

const KNOWN =
  "cloud, machines, ssh, domains, tls, loadBalancer, entry, firewall, network, docker, kernel, images, database, dump, cache, allow, services";

describe("configuration: the whole", () => {
  table([
    [{}],
    [{ cloud: undefined }, "cloud: is missing, must be one of: ssh"],
    [{ cloud: "hcloud" }, 'cloud: is "hcloud", must be one of: ssh'],
    [{ domain: "x" }, 'domain: is unknown, did you mean "domains"?'],
    [{ whatever: "hunter2" }, `whatever: is unknown, known here: ${KNOWN}`],
  ]);

  it("says when --path was forgotten", () => {
    const message =
      'trivet:["network.mtu"]: was set without --path: remove it with `pulumi config rm`, then use `pulumi config set --path`';
    assert.deepEqual(problemsOf({ ...base(), "network.mtu": "1300" }), [message]);
  });

  it("refuses names that JavaScript would hide", () => {
    const env: unknown = JSON.parse('{ "__proto__": "hunter2" }');
    const problems = problemsOf(changed({ "services.web": { image: "a", env } }));
    assert.deepEqual(problems, ["trivet:services.web.env.__proto__: is no name to use here"]);
  });

  it("takes names that JavaScript knows", () => {
    const services = { constructor: { image: "a" } };
    const machines = { constructor: machine(1) };
    const config = parsed({ services, machines });
    assert.deepEqual(Object.keys(config.services), ["constructor"]);
    assert.deepEqual(Object.keys(config.machines), ["constructor"]);
  });

  it("tells every mistake at once, without a stack", () => {
    const raw = changed({
      "machines.vm1.port": 0,
      "machines.vm2": { ...machine(2), role: "boss" },
      domains: ["example.org", "www.example.org"],
      "network.mtu": 9000,
      "database.name": "postgres",
      "services.web": { image: "a", port: -1, build: "b", secrets: { REDIS_URL: "hunter2" } },
      "services.api": { image: "b", routes: [{ host: "example.net" }] },
      servces: {},
    });
    assert.throws(
      () => parseConfig(raw, "prod", AT),
      (error) => {
        assert.ok(error instanceof InvalidArgsError);
        assert.ok(pulumi.RunError.isInstance(error));
        const [title, ...lines] = error.message.split("\n");
        assert.equal(title, 'Configuration of stack "prod" has invalid arguments:');
        const paths = lines.map((line) => /^ {2}- trivet:([^:]+): /.exec(line)?.[1]);
        assert.deepEqual(paths.sort(), [
          "database.name",
          "machines",
          "machines.vm1.port",
          "machines.vm2.role",
          "network.mtu",
          "servces",
          "services.api.routes[0].host",
          "services.web",
          "services.web.port",
          "services.web.secrets.REDIS_URL",
        ]);
        return true;
      },
    );
  });
});

describe("configuration: documentation", () => {
  const folder = join(__dirname, "..", "..", "..", "stacks", "config");
  const field = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*(\w+):((?:(?!\/\*\*|^})[^])*)/gm;
  const plain = (text: string) => text.replaceAll("_", "").trim();
  const documented = ["data", "dump", "engine", "entry", "machines", "services"].flatMap((file) =>
    [...readFileSync(join(folder, `${file}.ts`), "utf8").matchAll(field)].flatMap((match) => {
      const [, comment = "", name = "", code = ""] = match;
      const value = /\.default\(\s*([^)]*?),?\s*\)/.exec(code)?.[1];
      const tag = /@default ([^*]*)/.exec(comment)?.[1] ?? "";
      return value === undefined ? [] : [{ name: `${file}: ${name}`, value, tag }];
    }),
  );

  it("names every default that the schema holds", () => {
    assert.ok(documented.length > 30, `only ${documented.length} found`);
    for (const { name, value, tag } of documented) assert.equal(plain(tag), plain(value), name);
  });
});

/** Any value where another belongs, with the secret in every place that holds one. */
const SECRET = "hunter2-Zq9$\"'é";
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes(SECRET)),
  fc.constantFrom<unknown>("", "\n", "\u0000", -1, 1e300, null, true, [], {}, [null], "__proto__"),
  fc.string({ unit: "binary" }),
);
const secretPlaces = {
  ssh: { privateKey: SECRET },
  tls: { mode: "certificate", certificate: SECRET, key: SECRET },
  images: { registry: { address: "registry.lan", username: "ci", password: `${SECRET}\n` } },
  database: { parameters: { work_mem: `${SECRET}\n` } },
  dump: { copyTo: { address: "192.0.2.9", user: "keeper", path: "/srv", privateKey: SECRET } },
  services: {
    web: { image: "a", secrets: { A: `${SECRET}\u0000`, "B-": SECRET }, env: { C: `${SECRET}\n` } },
    api: { image: "a", secrets: SECRET },
    job: { image: "a", secrets: [SECRET], secret: SECRET, migrate: [SECRET, `${SECRET}\n`] },
    old: SECRET,
  },
  [`unknown`]: SECRET,
};

/** Every path of a value, inner ones too. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]))];
}

describe("configuration: properties", () => {
  const whole = { ...base(), ...secretPlaces };
  const paths = pathsOf(whole).filter((path) => path.length > 0);

  it("throws nothing but InvalidArgsError, and never tells a secret", () => {
    const change = fc.tuple(fc.constantFrom(...paths), anything);
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (changes) => {
        const raw = structuredClone<Record<string, unknown>>(whole);
        // Its own copy of each value: a later change may write into one.
        for (const [path, value] of changes) replace(raw, path, structuredClone(value));
        const told = problemsOf(raw).join("\n");
        assert.ok(!told.includes("hunter2"), told);
      }),
      { numRuns: 200 },
    );
  });

  it("throws nothing else for any mapping at all", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(whole)), anything), (raw) => {
        problemsOf(raw);
      }),
      { numRuns: 200 },
    );
  });

  function replace(root: unknown, path: readonly string[], value: unknown): void {
    let place = root;
    for (const step of path.slice(0, -1)) {
      if (typeof place !== "object" || place === null) return;
      place = Reflect.get(place, step);
    }
    if (typeof place === "object" && place !== null) Reflect.set(place, path.at(-1) ?? "", value);
  }
});

describe("configuration: read from Pulumi", () => {
  const before = pulumi.runtime.allConfig();
  const socket = process.env.SSH_AUTH_SOCK;
  beforeEach(() => {
    process.env.SSH_AUTH_SOCK = "/run/agent";
  });
  afterEach(() => {
    pulumi.runtime.setAllConfig(before);
    if (socket === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = socket;
  });

  it("takes the keys of its namespace, mappings as JSON", () => {
    const json = Object.entries(base())
      .filter(([key]) => key !== "cloud")
      .map(([key, value]): [string, string] => [`trivet:${key}`, JSON.stringify(value)]);
    pulumi.runtime.setAllConfig({
      "trivet:cloud": "ssh",
      "other:key": "{",
      ...Object.fromEntries(json),
    });
    assert.deepEqual(loadConfig(), parsed());
  });

  it("tells of JSON that is broken as of text", () => {
    pulumi.runtime.setAllConfig({
      "trivet:cloud": "ssh",
      "trivet:machines": "{hunter2",
      "trivet:domains": '["a"]',
    });
    assert.throws(
      () => loadConfig(),
      /arguments:\n {2}- trivet:machines: is text, must be a mapping by name$/,
    );
  });
});
