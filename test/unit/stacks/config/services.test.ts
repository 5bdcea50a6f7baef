import assert from "node:assert/strict";
import { OWNED_VARIABLES } from "../../../../components/web/app-environment";
import { PLATFORM_SERVICES } from "../../../../stacks/config/rules";
import { machine, parsed, table, type Row } from "./fixture";
import { KEY } from "./pem";

const LABEL =
  "must be named with 1 to 63 lower-case letters, digits or hyphens, starting with a letter";
const VARIABLE = "must be named with letters, digits or underscores, and not start with a digit";
const ENV_LINE = "must be text on one line; longer text belongs in secrets";
const SECRET =
  "must be text that is not empty and has no control characters but line breaks and tabs";
const PATH = "must be a path such as /api, of letters, digits and . _ ~ -";
const HEALTH = "must be a path such as /health, without quotes or blanks";
const web = (changes: Record<string, unknown>) => ({
  services: { web: { image: "shop", ...changes } },
});
const range = (field: string, value: number, low: number, high: number): Row => [
  web({ [field]: value }),
  `services.web.${field}: is ${value}, must be a whole number from ${low} to ${high}`,
];
const wrongPath = (path: string): Row => [
  web({ routes: [{ path }] }),
  `services.web.routes[0].path: is ${JSON.stringify(path)}, ${PATH}`,
];
const wrongHealth = (health: string): Row => [
  web({ health }),
  `services.web.health: is ${JSON.stringify(health)}, ${HEALTH}`,
];

describe("configuration: services", () => {
  table([
    [{ services: undefined }],
    [{ services: ["web"] }, "services: is a list, must be a mapping by name"],
    [{ "services.web": { build: "./app" } }],
    [{ "services.web": {} }, "services.web: names neither image nor build, must name one"],
    [web({ build: "app" }), "services.web: names both image and build, must name one"],
    [
      { "services.web": { build: "./gone" } },
      'services.web.build: is "./gone", which does not exist in the project',
    ],
    [
      { "services.web": { build: "bare" } },
      'services.web.build: is "bare", which has no Dockerfile',
    ],
    [{ "services.Web": { image: "shop", routes: [] } }, `services.Web: is a mapping, ${LABEL}`],
    ...PLATFORM_SERVICES.map((name): Row => [
      { [`services.${name}`]: { image: "shop", routes: [] } },
      `services.${name}: is the name of one of the platform's own services: rename it`,
    ]),
    ...PLATFORM_SERVICES.map((name): Row => [
      { [`services.${name}-vm1`]: { image: "shop", routes: [] } },
      `services.${name}-vm1: is the name of one of the platform's own services: rename it`,
    ]),
    [
      {
        "machines.app1": { ...machine(4), role: "app" },
        "services.router-app1": { image: "shop", routes: [] },
      },
      "services.router-app1: is the name of one of the platform's own services: rename it",
    ],
    [{ "services.router-app1": { image: "shop", routes: [] } }],
    [{ "services.web-vm1": { image: "shop", routes: [] } }],
    range("port", 0, 1, 65_535),
    range("replicas", 101, 0, 100),
    range("workers", 0, 1, 256),
    range("connectionsPerWorker", -1, 0, 1000),
    range("memoryMiB", 8, 16, 1_048_576),
    range("stopGraceSeconds", 2, 3, 3600),
    range("startSeconds", 0, 1, 3600),
    [web({ cpus: 0 }), "services.web.cpus: is 0, must be a number from 0.05 to 256"],
    [
      web({ reservedMemoryMiB: 600 }),
      "services.web.reservedMemoryMiB: is 600, must be at most memoryMiB (512)",
    ],
    [
      web({ cpus: 1, reservedCpus: 1.5 }),
      "services.web.reservedCpus: is 1.5, must be at most cpus (1)",
    ],
    [web({ health: "/health?full=1&x=y" })],
    wrongHealth("health"),
    wrongHealth("/he'alth"),
    wrongHealth("/$(id)"),
    wrongHealth("/a b"),
    [
      web({ migrate: "npm run migrate" }),
      'services.web.migrate: must be a list of words such as ["npm", "run", "migrate"]',
    ],
    [
      web({ migrate: [] }),
      'services.web.migrate: is a list, must be a list of words such as ["npm", "run", "migrate"]',
    ],
    [web({ command: ["node", "a\nb"] }), "services.web.command[1]: must be text on one line"],
    [web({ command: ["node", 5] }), "services.web.command[1]: must be text"],
    [web({ command: ["sh", "-c", `echo "$HOME" 'é'`] })],
    [web({ secret: { A: "hunter2" } }), 'services.web.secret: is unknown, did you mean "secrets"?'],
  ]);

  it("fills the defaults", () => {
    assert.deepEqual(parsed().services.web, {
      image: "shop:1.4",
      port: 8000,
      replicas: 2,
      health: "/health",
      routes: [{ host: "example.org", path: "/" }],
      env: {},
      secrets: {},
      generatedSecrets: [],
      workers: 1,
      connectionsPerWorker: 5,
      memoryMiB: 512,
      reservedMemoryMiB: 256,
      stopGraceSeconds: 30,
      startSeconds: 60,
      monitorSeconds: 10,
      unhealthySeconds: 60,
      secretsInEnvironment: false,
    });
  });
});

describe("configuration: environment and secrets", () => {
  table([
    [web({ env: { A: 1, _b: true, c2: "" }, secrets: { D: "x" } })],
    [web({ env: { "1A": "x" } }), `services.web.env.1A: ${VARIABLE}`],
    [web({ env: { "A B": "x" } }), `services.web.env["A B"]: ${VARIABLE}`],
    [web({ env: { ÄB: "x" } }), `services.web.env["ÄB"]: ${VARIABLE}`],
    [web({ env: { A: "x\ny" } }), `services.web.env.A: ${ENV_LINE}`],
    [
      web({ env: { A: null } }),
      "services.web.env.A: is empty, must be text, a number, true or false",
    ],
    [
      web({ env: { A: ["x"] } }),
      "services.web.env.A: is a list, must be text, a number, true or false",
    ],
    [web({ env: "A=hunter2" }), "services.web.env: is text, must be a mapping by name"],
    [web({ secrets: "hunter2" }), "services.web.secrets: is text, must be a mapping by name"],
    [web({ secrets: ["hunter2"] }), "services.web.secrets: is a list, must be a mapping by name"],
    [web({ secrets: { A: "" } }), `services.web.secrets.A: ${SECRET}`],
    [web({ secrets: { A: "hunter2\u0000" } }), `services.web.secrets.A: ${SECRET}`],
    [web({ secrets: { A: true } }), "services.web.secrets.A: must be text"],
    [web({ secrets: { "A-B": "x" } }), `services.web.secrets.A-B: ${VARIABLE}`],
    [
      web({ env: { A: "x" }, secrets: { A: "y" } }),
      "services.web.secrets.A: stands in env too, must stand in one of them",
    ],
    [web({ generatedSecrets: ["A", "B_2"] })],
    [
      web({ generatedSecrets: "A" }),
      "services.web.generatedSecrets: is text, must be a list of names of secrets",
    ],
    [web({ generatedSecrets: ["A B"] }), `services.web.generatedSecrets[0]: is "A B", ${VARIABLE}`],
    [web({ generatedSecrets: ["A", "A"] }), 'services.web.generatedSecrets[1]: repeats "A"'],
    [
      web({ generatedSecrets: ["REDIS_URL"] }),
      "services.web.generatedSecrets[0]: is REDIS_URL, which the platform sets: use another name",
    ],
    [
      web({ env: { A: "x" }, secrets: { B: "y" }, generatedSecrets: ["A", "B"] }),
      ...["A", "B"].map(
        (name, i) =>
          `services.web.generatedSecrets[${i}]: is ${name}, which stands in env or secrets too, must stand in one of them`,
      ),
    ],
    ...["env", "secrets"].flatMap((field) =>
      OWNED_VARIABLES.map((name): Row => [
        web({ [field]: { [name]: "x" } }),
        `services.web.${field}.${name}: is set by the platform: remove it, or use another name`,
      ]),
    ),
  ]);

  it("keeps hostile values as they are", () => {
    const env = { A: `"'$HOME $(id) \`id\` {{.Node}} \\ %s é 例 `, B: "" };
    const secrets = { C: `p"w'\n\t$x`, D: KEY.replaceAll("\n", "\r\n"), E: 123 };
    const { web: service } = parsed(web({ env, secrets })).services;
    assert.deepEqual(service?.env, env);
    assert.deepEqual(service.secrets, { C: secrets.C, D: KEY, E: "123" });
  });

  it("gives numbers and booleans of the environment as text", () => {
    const { web: service } = parsed(web({ env: { A: 1.5, B: false } })).services;
    assert.deepEqual(service?.env, { A: "1.5", B: "false" });
  });
});

const two = (web1: unknown[], api: unknown[]) => ({
  domains: ["example.org", "www.example.org"],
  services: { web: { image: "a", routes: web1 }, api: { image: "b", routes: api } },
});

describe("configuration: routes", () => {
  table([
    [two([{}], [{ path: "/api" }])],
    [two([{}], [])],
    [two([{ host: "example.org" }], [{ host: "www.example.org" }])],
    [
      two([{}], [{ host: "www.example.org" }]),
      "services.api.routes: has www.example.org/ of service web too",
    ],
    [
      two([{ path: "/a" }, { host: "example.org", path: "/a" }], []),
      "services.web.routes: has example.org/a twice",
    ],
    [
      two([{ host: "example.org" }], []),
      "domains[1]: is www.example.org, which no service has a route for",
    ],
    [
      two([{}], [{ host: "example.net" }]),
      'services.api.routes[0].host: is "example.net", must be one of trivet:domains (example.org, www.example.org)',
    ],
    [
      web({ routes: { path: "/" } }),
      "services.web.routes: is a mapping, must be a list of routes such as [{ host: example.org, path: / }]",
    ],
    [
      web({ routes: [{ hots: "example.org" }] }),
      'services.web.routes[0].hots: is unknown, did you mean "host"?',
    ],
    wrongPath("api"),
    wrongPath("/a?b"),
    wrongPath("//a"),
    wrongPath("/a/../b"),
    wrongPath("/a;}"),
    wrongPath("/$x"),
    wrongPath("/é"),
  ]);

  it("gives one entry for each host and path", () => {
    const { services } = parsed(two([{}], [{ host: "WWW.example.org", path: "/api" }]));
    const hosts = ["example.org", "www.example.org"];
    assert.deepEqual(
      services.web?.routes,
      hosts.map((host) => ({ host, path: "/" })),
    );
    assert.deepEqual(services.api?.routes, [{ host: "www.example.org", path: "/api" }]);
  });
});
