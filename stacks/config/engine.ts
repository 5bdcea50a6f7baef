import { z } from "zod";
import {
  ALWAYS,
  flag,
  group,
  hostAndPort,
  imageReference,
  isClean,
  list,
  named,
  port,
  registryAddress,
  subnet,
  text,
  wholeNumber,
} from "./fields";

export const networkSchema = group({
  /** IPv4 network of the applications' overlay, /8 to /20. @default "10.213.0.0/20" */
  overlaySubnet: subnet(8, 20, "10.213.0.0/20").default("10.213.0.0/20"),
  /** IPv4 network of the bridge from containers to their machine, /8 to /28. @default "10.212.0.0/24" */
  gatewaySubnet: subnet(8, 28, "10.212.0.0/24").default("10.212.0.0/24"),
  /** IPv4 pool for networks that name no subnet, /8 to /22. @default "10.214.0.0/16" */
  addressPool: subnet(8, 22, "10.214.0.0/16").default("10.214.0.0/16"),
  /** Largest packet of the overlay. Bytes, 576 to 1400. @default 1400 */
  mtu: wholeNumber(576, 1400).default(1400),
  /** IPsec between machines; needs ESP in their kernels. @default false */
  encrypted: flag().default(false),
});

/** Networks of the containers. @interface */
export type NetworkConfig = z.output<typeof networkSchema>;

const isMirror = (value: string) => /^https?:\/\/[^\s/?#@]+\/?$/.test(value) && URL.canParse(value);

export const dockerSchema = group({
  /** Mirrors of Docker Hub, tried in order. http or https addresses. @default [] */
  registryMirrors: list(
    text("must be an http or https address without user, path or query", isMirror),
    "addresses",
  ).default([]),
  /** Registries spoken to without TLS, `host:port`. @default [] */
  insecureRegistries: list(hostAndPort(), "host:port").default([]),
  /** Size at which a container's log is rotated. MiB, 1 to 1024. @default 10 */
  logMaxSizeMiB: wholeNumber(1, 1024).default(10),
  /** Rotated logs kept of a container. Count, 1 to 100. @default 5 */
  logMaxFiles: wholeNumber(1, 100).default(5),
});

/** The Docker engine of every machine. @interface */
export type DockerConfig = z.output<typeof dockerSchema>;

const RESERVED_PORTS_KEY = "net.ipv4.ip_local_reserved_ports";

export const kernelSchema = group({
  /**
   * Kernel parameters beside or instead of the platform's, by name; empty text leaves one of the
   * platform's as the machine has it. @default {}
   */
  sysctls: named(
    z
      .union([z.string(), z.int()], { error: "must be text or a whole number" })
      .transform((value) => String(value).trim())
      .refine(isClean, "must be text on one line or a whole number"),
    "must be named like net.core.somaxconn",
    (name) => /^[a-z0-9_]+(\.[A-Za-z0-9_-]+)+$/.test(name) && name.length <= 200,
  )
    .superRefine((sysctls, ctx) => {
      if (Object.hasOwn(sysctls, RESERVED_PORTS_KEY)) {
        const message = "is set by the platform: list the ports in trivet:kernel.reservedPorts";
        ctx.addIssue({ code: "custom", path: [RESERVED_PORTS_KEY], message });
      }
    }, ALWAYS)
    .default({}),
  /** Ports that the kernel never hands out, beside the platform's own. 1 to 65535. @default [] */
  reservedPorts: list(port(), "ports").default([]),
  /** Open files that Docker and its containers may have. Count, 1024 to 1048576. @default 65535 */
  limitNoFile: wholeNumber(1024, 1_048_576).default(65_535),
});

/** Tuning of every machine's kernel. @interface */
export type KernelConfig = z.output<typeof kernelSchema>;

const registrySchema = group({
  /** `host[:port][/path]`. Required. */
  address: registryAddress(),
  /** Whether images that are built are pushed there, for machines to pull. @default false */
  push: flag().default(false),
  /** Login name; needs `password`. */
  username: text("must be a login name").exactOptional(),
  /** Password or token of `username`. A secret: wrap it with `pulumi.secret`. */
  password: z
    .string("must be a password or token")
    .refine((value) => value !== "" && isClean(value), "must be a password or token on one line")
    .exactOptional(),
}).superRefine((registry, ctx) => {
  for (const [field, other] of [
    ["username", "password"],
    ["password", "username"],
  ] as const) {
    if (registry[field] === undefined && registry[other] !== undefined) {
      const message = `is missing, required with ${other}`;
      ctx.addIssue({ code: "custom", path: [field], message });
    }
  }
}, ALWAYS);

export const imagesSchema = group({
  /** Image that the platform's own images start from. @default "debian:trixie-slim" */
  debian: imageReference().default("debian:trixie-slim"),
  /** nginx 1.30.4 or newer. @default "nginx:1.30" */
  nginx: imageReference().default("nginx:1.30"),
  /** Registry of the stack's own images. @default none: images go from machine to machine */
  registry: registrySchema.exactOptional(),
});

/** Where images come from. @interface */
export type ImagesConfig = z.output<typeof imagesSchema>;
