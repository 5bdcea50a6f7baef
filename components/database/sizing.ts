/**
 * How large the database's parts are, from the machine and from what the application opens. Pure
 * arithmetic: the figures show in one test table.
 */

/** What a machine has for the platform. */
export interface MachineSize {
  /** MiB. */
  memoryMiB: number;
  cores: number;
}

/** What applications open. */
export interface ConnectionDemand {
  /** Connections to the poolers that all replicas together may open at once. Count. */
  clients: number;
  /** Machines that run a pooler. Count. */
  poolers: number;
}

/** Sizes of Postgres and of each pooler in front of it. */
export interface DatabaseSize {
  /** Server connections of one pooler, for the primary. Count. */
  poolSize: number;
  /** Client connections that one pooler accepts. Count. */
  maxClients: number;
  /** Postgres parameters that follow from the machine. */
  parameters: Record<string, string | number>;
}

/** Connections beside the poolers: migrations, dumps, Patroni, an operator's psql. Count. */
const DIRECT_CONNECTIONS = 30;

/** Connections that Postgres must accept: two pools of each pooler (primary, standbys), and direct ones. */
export const connectionsNeeded = (poolSize: number, poolers: number) =>
  poolSize * 2 * poolers + DIRECT_CONNECTIONS;

const clamp = (value: number, low: number, high: number) =>
  Math.round(Math.min(high, Math.max(low, value)));

/**
 * Sizes for one machine. `shared_buffers` is a quarter of the memory and `effective_cache_size` half,
 * as the PostgreSQL manual has it (19.4) for a dedicated machine, of that half of the memory which the
 * database may use here: applications share the machine.
 */
export function sizeDatabase(
  machine: MachineSize,
  demand: ConnectionDemand,
  given: {
    memoryMiB?: number;
    maxConnections?: number;
    poolSize?: number;
    maxClients?: number;
  } = {},
): DatabaseSize {
  const memoryMiB = given.memoryMiB ?? machine.memoryMiB / 2;
  const poolSize = given.poolSize ?? sizePool(machine, demand, given.maxConnections);
  const needed = connectionsNeeded(poolSize, demand.poolers);
  const maxConnections = given.maxConnections ?? Math.ceil(needed / 10) * 10;
  // Twice the demand: old and new replicas run side by side during an update.
  const maxClients = given.maxClients ?? clamp(demand.clients * 2, 1000, 100_000);
  return {
    poolSize,
    maxClients,
    parameters: {
      max_connections: maxConnections,
      shared_buffers: `${clamp(memoryMiB / 4, 64, 32_768)}MB`,
      effective_cache_size: `${clamp(memoryMiB / 2, 128, 131_072)}MB`,
      // Sorts of a quarter of all connections at once fit into a quarter of the memory.
      work_mem: `${clamp(memoryMiB / maxConnections, 2, 64)}MB`,
      maintenance_work_mem: `${clamp(memoryMiB / 16, 32, 1024)}MB`,
      max_worker_processes: clamp(machine.cores, 8, 64),
      max_parallel_workers: clamp(machine.cores, 2, 64),
      max_parallel_workers_per_gather: clamp(machine.cores / 2, 0, 4),
    },
  };
}

/** Both pools of every pooler fit into the connections that Postgres accepts, beside direct ones. */
function sizePool(
  { cores }: MachineSize,
  { poolers }: ConnectionDemand,
  maxConnections = Number.POSITIVE_INFINITY,
): number {
  const room = Math.floor((maxConnections - DIRECT_CONNECTIONS) / (2 * poolers));
  return Math.max(1, Math.min(room, clamp(cores * 10, 20, 100)));
}
