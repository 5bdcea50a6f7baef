import * as pulumi from "@pulumi/pulumi";
import type { DatabaseSize, MachineSize } from "../components/database/sizing";
import { GUARD_DEFAULTS } from "../components/database/pooler-guard";
import { sizeDatabase } from "../components/database/sizing";
import type { Facts } from "../components/machine";
import type { PlatformConfig } from "./config";

/** Sizes of what runs on the core machines. */
export interface PlatformSize {
  database: DatabaseSize;
  /** MiB. */
  cacheMemoryMiB: number;
}

/** The smallest core machine decides: any of them may have to be the primary. */
export function smallestMachine(config: PlatformConfig, facts: Record<string, Facts>): MachineSize {
  const core = Object.entries(config.machines).filter(([, machine]) => machine.role === "core");
  const measured = core.map(([name, machine]) => ({
    memoryMiB: machine.memoryMiB ?? facts[name]?.memoryMiB ?? 0,
    cores: machine.cores ?? facts[name]?.cores ?? 1,
  }));
  return {
    memoryMiB: Math.min(...measured.map((machine) => machine.memoryMiB)),
    cores: Math.min(...measured.map((machine) => machine.cores)),
  };
}

/** Connections that all replicas together may open. */
export function connectionDemand(config: PlatformConfig): number {
  return Object.values(config.services)
    .map((service) => service.replicas * service.workers * service.connectionsPerWorker)
    .reduce((sum, connections) => sum + connections, 0);
}

/** Sizes from what was measured and what the services will open. */
export function sizePlatform(config: PlatformConfig, facts: Record<string, Facts>): PlatformSize {
  const machine = smallestMachine(config, facts);
  const { memoryMiB, maxConnections, pool } = config.database;
  const poolers = Object.keys(config.machines).length;
  const database = sizeDatabase(
    machine,
    { clients: connectionDemand(config), poolers },
    {
      ...(memoryMiB !== undefined && { memoryMiB }),
      ...(maxConnections !== undefined && { maxConnections }),
      ...(pool.size !== undefined && { poolSize: pool.size }),
      ...(pool.maxClients !== undefined && { maxClients: pool.maxClients }),
    },
  );
  const share = Math.round(machine.memoryMiB / 32);
  return {
    database,
    cacheMemoryMiB: config.cache.memoryMiB ?? Math.min(1024, Math.max(64, share)),
  };
}

/** {@link sizePlatform} of machines that are measured during the update. */
export function measuredSize(
  config: PlatformConfig,
  facts: Readonly<Record<string, pulumi.Output<Facts>>>,
): pulumi.Output<PlatformSize> {
  return pulumi.all(facts).apply((known) => sizePlatform(config, known));
}

/** Queries are held for less time than their pooler lets them wait: it would end them one by one. */
export function holdFor(waitSeconds: number): { deadlineSeconds?: number } {
  const most = Math.max(5, waitSeconds - 5);
  return most >= GUARD_DEFAULTS.deadlineSeconds ? {} : { deadlineSeconds: most };
}
