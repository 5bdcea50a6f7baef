import { z } from "zod";
import { OWNED_VARIABLES } from "../../components/web/app-environment";
import {
  ALWAYS,
  decimal,
  flag,
  group,
  hostName,
  imageReference,
  isClean,
  isDnsLabel,
  list,
  mebibytes,
  MUST_BE_LABEL,
  named,
  normalisePem,
  port,
  text,
  wholeNumber,
} from "./fields";
import { keysOf } from "./problems";

const HEALTH_PATH = /^\/[A-Za-z0-9._~/?&=%-]*$/;
const ROUTE_PATH = /^\/([A-Za-z0-9._~-]+\/)*[A-Za-z0-9._~-]*$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,126}$/;
const MUST_BE_VARIABLE =
  "must be named with letters, digits or underscores, and not start with a digit";

const variables = <T extends z.ZodType>(value: T) =>
  named(value, MUST_BE_VARIABLE, (name) => VARIABLE.test(name)).superRefine((entries, ctx) => {
    for (const name of Object.keys(entries).filter((key) => OWNED_VARIABLES.includes(key))) {
      const message = "is set by the platform: remove it, or use another name";
      ctx.addIssue({ code: "custom", path: [name], message });
    }
  }, ALWAYS);

const environmentValue = z
  .union([z.string(), z.number(), z.boolean()], { error: "must be text, a number, true or false" })
  .transform(String)
  .refine(isClean, "must be text on one line; longer text belongs in secrets");

/** Keys are secrets of many lines, so line breaks and tabs are allowed. */
const secretValue = z
  .union([z.string(), z.number()], { error: "must be text" })
  .transform((value) => {
    const plain = String(value);
    return plain.includes("-----BEGIN ") ? normalisePem(plain) : plain;
  })
  .refine(
    (value) => value !== "" && isClean(value.replaceAll(/[\n\t]/g, "")),
    "must be text that is not empty and has no control characters but line breaks and tabs",
  );

const words = (example: string) => {
  const must = `must be a list of words such as ${example}`;
  return z
    .array(z.string("must be text").refine(isClean, "must be text on one line"), must)
    .refine((value) => value[0] !== undefined && value[0].trim() !== "", must);
};

const routeSchema = group({
  /** One of `trivet:domains`. @default every domain */
  host: hostName().exactOptional(),
  /** Start of the addresses that go to the service. @default "/" */
  path: text(
    "must be a path such as /api, of letters, digits and . _ ~ -",
    (value) =>
      ROUTE_PATH.test(value) && !value.split("/").some((part) => part === "." || part === ".."),
  ).default("/"),
});

/** Which requests go to a service. */
export interface RouteConfig {
  /** One of the stack's domains. */
  host: string;
  /** Start of the path, from `/` on. */
  path: string;
}

export const serviceSchema = group({
  /** Image to run, pulled by each machine. Exactly one of `image` and `build`. */
  image: imageReference().exactOptional(),
  /** Folder with a Dockerfile, relative to the project. Exactly one of `image` and `build`. */
  build: text("must be the path of a folder that holds a Dockerfile").exactOptional(),
  /** TCP port that the application listens on in its container, 1 to 65535. @default 8000 */
  port: port().default(8000),
  /** Containers that run at a time. Count, 0 to 100. @default 2 */
  replicas: wholeNumber(0, 100).default(2),
  /** Path that answers 200 when the application can serve. @default "/health" */
  health: text("must be a path such as /health, without quotes or blanks", (value) =>
    HEALTH_PATH.test(value),
  ).default("/health"),
  /** Requests that go to the service; `[]`: none from outside. @default "/" of every domain */
  routes: list(routeSchema, "routes such as [{ host: example.org, path: / }]").exactOptional(),
  /** Environment of the containers, one line each; numbers and booleans become text. @default {} */
  env: variables(environmentValue).default({}),
  /** Secrets by name, not empty; numbers become text. Wrap each with `pulumi.secret`. @default {} */
  secrets: variables(secretValue).default({}),
  /** Names of secrets that the platform makes: 40 letters and digits, kept in the state. @default [] */
  generatedSecrets: list(
    text(MUST_BE_VARIABLE, (name) => VARIABLE.test(name)),
    "names of secrets",
  ).default([]),
  /**
   * Also puts secrets, and the addresses that hold a password, into the environment: for
   * applications that read no files. `docker inspect` shows them there. @default false
   */
  secretsInEnvironment: flag().default(false),
  /** Processes of a replica that open connections to the database. Count, 1 to 256. @default 1 */
  workers: wholeNumber(1, 256).default(1),
  /** Database connections of a worker at its busiest. Count, 0 to 1000. @default 5 */
  connectionsPerWorker: wholeNumber(0, 1000).default(5),
  /** Memory at which a replica is stopped. MiB, 16 to 1048576. @default 512 */
  memoryMiB: mebibytes(16, 1_048_576).default(512),
  /** Memory that a replica is sure to get. MiB, 1 to `memoryMiB`. @default half of `memoryMiB` */
  reservedMemoryMiB: mebibytes(1).exactOptional(),
  /** Processor time that a replica may use. Cores, 0.05 to 256. @default no limit */
  cpus: decimal(0.05, 256).exactOptional(),
  /** Processor time that a replica is sure to get. Cores, 0.01 to `cpus`. @default none */
  reservedCpus: decimal(0.01, 256).exactOptional(),
  /** Command run once before an update, with the new image. @default none */
  migrate: words('["npm", "run", "migrate"]').exactOptional(),
  /** Command of the containers. @default the image's own */
  command: words('["node", "server.js"]').exactOptional(),
  /** Time between SIGTERM and SIGKILL: longer than the application's drain. Seconds, 3 to 3600. @default 30 */
  stopGraceSeconds: wholeNumber(3, 3600).default(30),
  /** Time allowed until a new replica is first healthy. Seconds, 1 to 3600. @default 60 */
  startSeconds: wholeNumber(1, 3600).default(60),
  /** How long a new replica is watched before the next one is replaced. Seconds, 1 to 3600. @default 10 */
  monitorSeconds: wholeNumber(1, 3600).default(10),
  /**
   * How long a replica that was healthy may fail its check before it is replaced: longer than the
   * database takes to fail over. Seconds, 5 to 3600. @default 60
   */
  unhealthySeconds: wholeNumber(5, 3600).default(60),
})
  .superRefine((service, ctx) => {
    if (service.image === undefined && service.build === undefined) {
      ctx.addIssue({ code: "custom", message: "names neither image nor build, must name one" });
    }
    if (service.image !== undefined && service.build !== undefined) {
      ctx.addIssue({ code: "custom", message: "names both image and build, must name one" });
    }
    const environment = keysOf(service.env);
    for (const name of keysOf(service.secrets).filter((key) => environment.includes(key))) {
      const message = "stands in env too, must stand in one of them";
      ctx.addIssue({ code: "custom", path: ["secrets", name], message });
    }
    const given = [...environment, ...keysOf(service.secrets)];
    // A list that was wrong itself may be anything here.
    const generated = Array.isArray(service.generatedSecrets) ? service.generatedSecrets : [];
    for (const [i, name] of generated.entries()) {
      const path = ["generatedSecrets", i];
      if (OWNED_VARIABLES.includes(name)) {
        const message = `is ${name}, which the platform sets: use another name`;
        ctx.addIssue({ code: "custom", path, message });
      } else if (given.includes(name)) {
        const message = `is ${name}, which stands in env or secrets too, must stand in one of them`;
        ctx.addIssue({ code: "custom", path, message });
      }
    }
    for (const [limit, reserved] of [
      ["memoryMiB", "reservedMemoryMiB"],
      ["cpus", "reservedCpus"],
    ] as const) {
      const most = service[limit];
      const least = service[reserved];
      if (most !== undefined && least !== undefined && least > most) {
        const message = `must be at most ${limit} (${most})`;
        ctx.addIssue({ code: "custom", path: [reserved], message });
      }
    }
  }, ALWAYS)
  .transform((service) => ({
    ...service,
    /** Memory that a replica is sure to get. MiB. */
    reservedMemoryMiB: service.reservedMemoryMiB ?? Math.ceil(service.memoryMiB / 2),
  }));

export const servicesSchema = named(serviceSchema, MUST_BE_LABEL, isDnsLabel);

/** One application service. */
export interface ServiceConfig extends Omit<z.output<typeof serviceSchema>, "routes"> {
  /** Which requests go to it, one entry for each host and path. */
  routes: RouteConfig[];
}

/** What a service's routes stand for: without `host`, one for each domain. */
export function expandRoutes(
  routes: z.output<typeof serviceSchema>["routes"],
  domains: readonly string[],
): RouteConfig[] {
  return (routes ?? [{ path: "/" }]).flatMap(({ host, path }) =>
    (host === undefined ? domains : [host]).map((name) => ({ host: name, path })),
  );
}
