import { isIPv4 } from "node:net";
import type { z } from "zod";
import { quorumReason } from "../../components/core/args-check";
import { PORTS } from "../../components/core/ports";
import { connectionsNeeded } from "../../components/database/sizing";
import { PLATFORM_NAMES } from "../../components/web/app-environment";
import { databaseSchema } from "./data";
import { copyProblems, dumpSchema } from "./dump";
import { certificateProblems, domainsSchema, firewallSchema, tlsSchema } from "./entry";
import { networkSchema } from "./engine";
import { ipv4Number, parseSubnet } from "./fields";
import { machineSchema, sshSchema } from "./machines";
import { isMapping, keysOf, valueAt, type Path } from "./problems";
import { expandRoutes, serviceSchema } from "./services";
import { absolutePath, type Surroundings } from "./surroundings";

/** Takes one problem: where, and what. */
export type Report = (path: Path, message: string) => void;
type Raw = Readonly<Record<string, unknown>>;

/** Names that the platform uses itself: its services, and what containers know the backends as. */
export const PLATFORM_SERVICES: readonly string[] = [
  "etcd",
  "postgres",
  "haproxy",
  "router",
  "pgbouncer",
  "valkey",
  "nginx",
  ...Object.values(PLATFORM_NAMES),
];

/**
 * Rules between sections. Each looks only at the parts that are right by themselves: what is wrong
 * there is told already, and must not keep the rest from being told.
 */
export function checkRules(raw: Raw, at: Surroundings, report: Report): void {
  checkMachines(raw, report);
  checkSsh(raw, at, report);
  checkTls(raw, at, report);
  checkPublicPorts(raw, report);
  checkNetworks(raw, report);
  checkServices(raw, at, report);
  checkPools(raw, report);
  checkDump(raw, at, report);
  checkRoutes(raw, report);
}

function checked<T extends z.ZodType>(schema: T, value: unknown): z.output<T> | undefined {
  const result = schema.safeParse(value);
  return result.success ? result.data : undefined;
}

/** The entries of a section that are right by themselves. */
function entries<T extends z.ZodType>(schema: T, section: unknown): [string, z.output<T>][] {
  return keysOf(section).flatMap((name) => {
    const entry = checked(schema, valueAt(section, [name]));
    return entry === undefined ? [] : [[name, entry]];
  });
}

function checkMachines(raw: Raw, report: Report): void {
  const names = keysOf(raw.machines);
  if (isMapping(raw.machines)) checkQuorum(raw, names, report);
  if (names.length > 1) {
    for (const name of names.filter((key) => isMapping(valueAt(raw.machines, [key])))) {
      const path = ["machines", name, "privateAddress"];
      const { address } = checked(machineSchema, valueAt(raw.machines, [name])) ?? {};
      if (valueAt(raw, path) === undefined && address !== undefined) {
        const same = `the same as address (${address}) if there is no private network`;
        report(path, `is missing, required with more than one machine; ${same}`);
      }
    }
  }
  const seen = new Map<string, string>();
  for (const [name, machine] of entries(machineSchema, raw.machines)) {
    const places = [
      ["address", `${machine.address.toLowerCase()} port ${machine.port}`],
      ["privateAddress", machine.privateAddress],
    ] as const;
    for (const [field, place] of places) {
      const other = seen.get(`${field} ${place}`);
      if (other !== undefined) {
        report(["machines", name, field], `is ${place}, the same as of machine ${other}`);
      }
      seen.set(`${field} ${place}`, other ?? name);
    }
  }
}

function checkQuorum(raw: Raw, names: readonly string[], report: Report): void {
  const core = names.filter((name) => valueAt(raw.machines, [name, "role"]) !== "app");
  if (names.length === 0) {
    report(["machines"], "is empty, must name at least one machine");
  } else if (![1, 3, 5].includes(core.length)) {
    const reason = quorumReason(core.length);
    const message = `has ${core.length} machines of role "core", must have 1, 3 or 5: ${reason}`;
    report(["machines"], message);
  }
}

function checkSsh(raw: Raw, at: Surroundings, report: Report): void {
  const ssh = checked(sshSchema, raw.ssh ?? {});
  if (ssh === undefined) return;
  const ways = "set ssh.privateKeyPath, ssh.privateKey (a secret) or ssh.agent";
  const { agent, privateKey, privateKeyPath } = ssh;
  if (privateKeyPath !== undefined && !at.exists(absolutePath(privateKeyPath, at))) {
    report(["ssh", "privateKeyPath"], `is ${JSON.stringify(privateKeyPath)}, which does not exist`);
  }
  if (typeof agent === "string" && !at.exists(absolutePath(agent, at))) {
    report(["ssh", "agent"], `is ${JSON.stringify(agent)}, which does not exist`);
  }
  if (agent === true && at.sshAuthSock === undefined) {
    report(
      ["ssh", "agent"],
      "is true, but SSH_AUTH_SOCK is not set: start an agent with ssh-agent",
    );
  }
  if (privateKey !== undefined || privateKeyPath !== undefined) return;
  if (agent === false) report(["ssh"], `names no way to sign in: ${ways}`);
  if (agent === undefined && at.sshAuthSock === undefined) {
    report(["ssh"], `names no way to sign in, and SSH_AUTH_SOCK is not set: ${ways}`);
  }
}

function checkTls(raw: Raw, at: Surroundings, report: Report): void {
  const tls = checked(tlsSchema, raw.tls ?? {});
  const domains = checked(domainsSchema, raw.domains) ?? [];
  if (tls === undefined) return;
  for (const { field, message } of certificateProblems(tls, domains, at.now)) {
    report(["tls", field], message);
  }
}

function checkPublicPorts(raw: Raw, report: Report): void {
  const { http, https, ...internal } = PORTS;
  const ports = checked(firewallSchema, raw.firewall ?? {})?.publicPorts ?? [];
  const machines = entries(machineSchema, raw.machines);
  for (const [i, port] of ports.entries()) {
    if (port === http || port === https) continue;
    const owner = Object.entries(internal).find(([, number]) => number === port)?.[0];
    const machine = machines.find(([, { port: sshPort }]) => sshPort === port)?.[0];
    if (owner !== undefined) {
      report(["firewall", "publicPorts", i], `is ${port}, the platform's own port (${owner})`);
    } else if (machine !== undefined) {
      const message = `is ${port}, SSH of machine ${machine}: trivet:firewall.sshFrom says who may reach it`;
      report(["firewall", "publicPorts", i], message);
    }
  }
}

function checkNetworks(raw: Raw, report: Report): void {
  const network = checked(networkSchema, raw.network ?? {});
  if (network === undefined) return;
  const subnets = (["overlaySubnet", "gatewaySubnet", "addressPool"] as const).flatMap((field) => {
    const range = parseSubnet(network[field]);
    return range === undefined ? [] : [{ field, text: network[field], ...range }];
  });
  for (const [i, one] of subnets.entries()) {
    const other = subnets
      .slice(0, i)
      .find((two) => one.first < two.first + two.size && two.first < one.first + one.size);
    if (other !== undefined) {
      const message = `is ${one.text}, overlaps ${other.field} (${other.text})`;
      report(["network", one.field], message);
    }
    for (const [name, machine] of entries(machineSchema, raw.machines)) {
      const inside = [...new Set([machine.address, machine.privateAddress])].find(
        (ip) => isIPv4(ip) && ipv4Number(ip) >= one.first && ipv4Number(ip) < one.first + one.size,
      );
      if (inside !== undefined) {
        const message = `is ${one.text}, holds the address of machine ${name} (${inside})`;
        report(["network", one.field], message);
      }
    }
  }
}

/** The platform's own services carry the name of their machine behind their own: `nginx-vm1`. */
function platformNames(raw: Raw): Set<string> {
  const pinned = keysOf(raw.machines).flatMap((machine) =>
    PLATFORM_SERVICES.map((service) => `${service}-${machine}`),
  );
  return new Set([...PLATFORM_SERVICES, ...pinned]);
}

/** Each machine's pooler has two pools; what they may open has to fit into what Postgres accepts. */
function checkPools(raw: Raw, report: Report): void {
  const { maxConnections, pool } = checked(databaseSchema, raw.database ?? {}) ?? {};
  const poolers = keysOf(raw.machines).length;
  if (maxConnections === undefined || poolers === 0) return;
  // Without a size the pools shrink to what fits, but not below one connection.
  const size = pool?.size ?? 1;
  const needed = connectionsNeeded(size, poolers);
  if (needed > maxConnections) {
    const instead = pool?.size === undefined ? "" : ", or lower trivet:database.pool.size";
    const message = `is ${maxConnections}, but ${poolers === 1 ? "a pooler" : `${poolers} poolers`} with two pools of ${size} and direct connections need ${needed}: raise it${instead}`;
    report(["database", "maxConnections"], message);
  }
}

function checkDump(raw: Raw, at: Surroundings, report: Report): void {
  const copyTo = checked(dumpSchema, raw.dump ?? {})?.copyTo;
  if (copyTo === undefined) return;
  const machines = entries(machineSchema, raw.machines);
  for (const { field, message } of copyProblems(copyTo, machines, at)) {
    report(["dump", "copyTo", field], message);
  }
}

function checkServices(raw: Raw, at: Surroundings, report: Report): void {
  const taken = platformNames(raw);
  for (const name of keysOf(raw.services).filter((key) => taken.has(key))) {
    report(["services", name], "is the name of one of the platform's own services: rename it");
  }
  for (const [name, { build }] of entries(serviceSchema, raw.services)) {
    if (build === undefined) continue;
    const folder = absolutePath(build, at);
    if (!at.exists(folder)) {
      const message = `is ${JSON.stringify(build)}, which does not exist in the project`;
      report(["services", name, "build"], message);
    } else if (!at.exists(`${folder}/Dockerfile`)) {
      report(["services", name, "build"], `is ${JSON.stringify(build)}, which has no Dockerfile`);
    }
  }
}

function checkRoutes(raw: Raw, report: Report): void {
  const domains = checked(domainsSchema, raw.domains);
  if (domains === undefined) return;
  const names = keysOf(raw.services);
  const services = entries(serviceSchema, raw.services);
  const taken = new Map<string, string>();
  for (const [name, service] of services) {
    service.routes?.forEach(({ host }, i) => {
      if (host !== undefined && !domains.includes(host)) {
        const message = `is ${JSON.stringify(host)}, must be one of trivet:domains (${domains.join(", ")})`;
        report(["services", name, "routes", i, "host"], message);
      }
    });
    for (const { host, path } of expandRoutes(service.routes, domains)) {
      const other = taken.get(host + path);
      const of = other === name ? "twice" : `of service ${other ?? ""} too`;
      if (other !== undefined) report(["services", name, "routes"], `has ${host}${path} ${of}`);
      taken.set(host + path, other ?? name);
    }
  }
  // A service that is wrong itself may hold the route that seems to be missing.
  if (names.length === 0 || services.length < names.length) return;
  const served = new Set(
    services.flatMap(([, { routes }]) => expandRoutes(routes, domains).map(({ host }) => host)),
  );
  domains.forEach((domain, i) => {
    if (!served.has(domain))
      report(["domains", i], `is ${domain}, which no service has a route for`);
  });
}
