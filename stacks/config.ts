import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { InvalidArgsError } from "../components/core/args-check";
import { cacheSchema, databaseSchema } from "./config/data";
import { dumpSchema, type DumpConfig } from "./config/dump";
import { dockerSchema, imagesSchema, kernelSchema, networkSchema } from "./config/engine";
import {
  certificateDaysLeft,
  domainsSchema,
  firewallSchema,
  loadBalancerSchema,
  tlsSchema,
} from "./config/entry";
import type { CacheConfig, DatabaseConfig } from "./config/data";
import type { DockerConfig, ImagesConfig, KernelConfig, NetworkConfig } from "./config/engine";
import type { FirewallConfig, LoadBalancerConfig, TlsConfig } from "./config/entry";
import { group } from "./config/fields";
import { checkEntry, entrySchema, type EntryConfig } from "./config/floating-address";
import { machinesSchema, sshSchema, type MachineConfig, type SshConfig } from "./config/machines";
import { isMapping, problemAt, problemsOf, type Path } from "./config/problems";
import { checkRules, type Report } from "./config/rules";
import { expandRoutes, servicesSchema, type ServiceConfig } from "./config/services";
import { absolutePath, surroundings, type Surroundings } from "./config/surroundings";

export type { CacheConfig, DatabaseConfig } from "./config/data";
export type { DumpConfig } from "./config/dump";
export type { DockerConfig, ImagesConfig, KernelConfig, NetworkConfig } from "./config/engine";
export type { FirewallConfig, LoadBalancerConfig, TlsConfig } from "./config/entry";
export type { EntryConfig } from "./config/floating-address";
export type { MachineConfig, SshConfig } from "./config/machines";
export type { RouteConfig, ServiceConfig } from "./config/services";
export type { Surroundings } from "./config/surroundings";

const NAMESPACE = "trivet:";
const DAYS_TO_WARN = 14;

/** A stack's configuration, checked and with its defaults. Every key stands below `trivet:`. */
export interface PlatformConfig {
  /** Where machines come from: `ssh` takes machines that exist. Required. */
  cloud: "ssh";
  /** Machines by name, a DNS label each; 1, 3 or 5 of role `core`. Required. */
  machines: Record<string, MachineConfig>;
  /** How to sign in to every machine. @default the agent of `SSH_AUTH_SOCK` */
  ssh: SshConfig;
  /** Host names or addresses that users ask for, the main one first, in ASCII. Required. */
  domains: string[];
  /** nginx's certificate. */
  tls: TlsConfig;
  loadBalancer: LoadBalancerConfig;
  /** One address for all core machines. @default none: users' DNS names lead to every core machine */
  entry?: EntryConfig;
  /** What the world may reach. */
  firewall: FirewallConfig;
  /** Networks of the containers; none may hold a machine's address. */
  network: NetworkConfig;
  /** The Docker engine of every machine. */
  docker: DockerConfig;
  /** Tuning of every machine's kernel. */
  kernel: KernelConfig;
  /** Where images come from. */
  images: ImagesConfig;
  /** Postgres and its pooler. */
  database: DatabaseConfig;
  /** The nightly dump of the database. */
  dump: DumpConfig;
  /** Valkey. */
  cache: CacheConfig;
  /**
   * Changes that leave data behind, and that are wanted: `database.name`, `database.user`. Take them
   * away again after the update. @default []
   */
  allow: ("database.name" | "database.user")[];
  /** Application services by name, a DNS label each. @default {} */
  services: Record<string, ServiceConfig>;
}

const CLOUDS = ["ssh"] as const;

const ALLOWED = ["database.name", "database.user"] as const;
const MUST_BE_ALLOWED = `must be a list of changes that leave data behind: ${ALLOWED.join(", ")}`;
const allowSchema = z.array(z.enum(ALLOWED, MUST_BE_ALLOWED), MUST_BE_ALLOWED).default([]);

/** What a configuration may hold. */
export const configSchema = group({
  cloud: z.enum(CLOUDS, `must be one of: ${CLOUDS.join(", ")}`),
  machines: machinesSchema,
  ssh: sshSchema.prefault({}),
  domains: domainsSchema,
  tls: tlsSchema.prefault({}),
  loadBalancer: loadBalancerSchema.prefault({}),
  entry: entrySchema.exactOptional(),
  firewall: firewallSchema.prefault({}),
  network: networkSchema.prefault({}),
  docker: dockerSchema.prefault({}),
  kernel: kernelSchema.prefault({}),
  images: imagesSchema.prefault({}),
  database: databaseSchema.prefault({}),
  dump: dumpSchema.prefault({}),
  cache: cacheSchema.prefault({}),
  allow: allowSchema,
  services: servicesSchema.prefault({}),
});

/**
 * Checks a whole configuration.
 *
 * @param raw Values by key without the namespace.
 * @param stackName For the message.
 * @param at Home, project folder, agent and time. Default: those of this process.
 * @throws InvalidArgsError with every mistake: its path, the value unless it may be secret, and
 *   what would be right.
 */
export function parseConfig(
  raw: Record<string, unknown>,
  stackName: string,
  at: Surroundings = surroundings(),
): PlatformConfig {
  const problems = hiddenKeys(raw).map((path) => problemAt(raw, path, "is no name to use here"));
  const result = configSchema.safeParse(raw);
  problems.push(...(result.error?.issues ?? []).flatMap((issue) => problemsOf(issue, raw)));
  const report: Report = (path, message) => problems.push(problemAt(raw, path, message));
  checkRules(raw, at, report);
  checkEntry(raw, report);
  if (!result.success || problems.length > 0) {
    throw new InvalidArgsError(`Configuration of stack ${JSON.stringify(stackName)}`, [
      ...new Set(problems),
    ]);
  }
  return completed(result.data, at);
}

/** Names that JavaScript gives a meaning of its own; the schema would drop them without a word. */
function hiddenKeys(value: unknown, path: Path = []): Path[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => hiddenKeys(item, [...path, i]));
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    key === "__proto__" ? [[...path, key]] : hiddenKeys(item, [...path, key]),
  );
}

/** Fills the defaults that follow from other sections or from where Pulumi runs. */
function completed(config: z.output<typeof configSchema>, at: Surroundings): PlatformConfig {
  const { agent, privateKeyPath, ...rest } = config.ssh;
  const hasKey = privateKeyPath !== undefined || rest.privateKey !== undefined;
  const socket = typeof agent === "string" ? absolutePath(agent, at) : true;
  const services = Object.entries(config.services).map(
    ([name, service]): [string, ServiceConfig] => [
      name,
      { ...service, routes: expandRoutes(service.routes, config.domains) },
    ],
  );
  return {
    ...config,
    ssh: {
      ...rest,
      ...(privateKeyPath !== undefined && { privateKeyPath: absolutePath(privateKeyPath, at) }),
      ...(!hasKey && { agent: socket }),
    },
    dump: withAbsoluteKey(config.dump, at),
    services: Object.fromEntries(services),
  };
}

function withAbsoluteKey(dump: DumpConfig, at: Surroundings): DumpConfig {
  const path = dump.copyTo?.privateKeyPath;
  if (dump.copyTo === undefined || path === undefined) return dump;
  return { ...dump, copyTo: { ...dump.copyTo, privateKeyPath: absolutePath(path, at) } };
}

/**
 * Reads and checks the running program's configuration, before any resource is made.
 *
 * @throws InvalidArgsError as {@link parseConfig}.
 */
export function loadConfig(): PlatformConfig {
  const own = Object.entries(pulumi.runtime.allConfig())
    .filter(([key]) => key.startsWith(NAMESPACE))
    .map(([key, value]): [string, unknown] => [key.slice(NAMESPACE.length), structured(value)]);
  const config = parseConfig(Object.fromEntries(own), pulumi.getStack());
  const daysLeft = certificateDaysLeft(config.tls, new Date());
  if (daysLeft !== undefined && daysLeft < DAYS_TO_WARN) {
    void pulumi.log.warn(`trivet:tls.certificate expires in ${daysLeft} days: replace it`);
  }
  return config;
}

/** Pulumi hands mappings and lists over as JSON, and all else as text. */
function structured(value: string): unknown {
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
