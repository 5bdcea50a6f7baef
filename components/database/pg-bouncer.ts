import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import { PORTS } from "../core/ports";
import { remoteFiles, signalService } from "../core/remote-files";
import { rolling } from "../core/rolling";
import type { PinnedService } from "../swarm/pinned-service";
import { pinnedService } from "../swarm/pinned-service";
import type { SwarmHandle } from "../swarm/swarm";
import type { DatabaseEndpoints } from "./patroni-cluster";
import { POOLER_ADMIN, renderPoolerConfig, renderUserList } from "./pgbouncer-files";

/** Limits of one pooler. The pgbouncer.ini key is in brackets. */
export interface PoolArgs {
  /** Server connections per role and database [default_pool_size]. Count, 1 to 1000. @default 20 */
  size?: number;
  /** Client connections accepted [max_client_conn]. Count, `size` to 100000. @default 1000 */
  maxClients?: number;
  /** Longest wait for a free connection [query_wait_timeout]. Seconds, 0 = no limit. @default 45 */
  waitSeconds?: number;
}

/** Arguments of {@link PgBouncer}. */
export interface PgBouncerArgs {
  /** Machines that run one pooler each, in front of the router of the same machine. */
  hosts: readonly Host[];
  swarm: SwarmHandle;
  /** Identity of an image with pgBouncer 1.24.1 or newer (`components/images/pgbouncer`). */
  image: pulumi.Input<string>;
  /** The Postgres cluster behind the routers. */
  upstream: DatabaseEndpoints;
  pool?:
    | pulumi.Input<pulumi.Unwrap<PoolArgs>>
    | { [K in keyof PoolArgs]: pulumi.Input<NonNullable<PoolArgs[K]>> };
}

/** The one place these defaults live; a test compares them with the @default tags above. */
export const POOL_DEFAULTS: Required<PoolArgs> = { size: 20, maxClients: 1000, waitSeconds: 45 };

/** User and group of the image. */
const OWNER = "64804:64804";

/** One pgBouncer per machine, in transaction mode, so that clients outlive a failover. */
export class PgBouncer extends Component {
  /** `address:port` of each pooler, known once it runs. */
  readonly endpoints: pulumi.Output<string[]>;
  /** Password of {@link POOLER_ADMIN}. A secret. */
  readonly adminPassword: pulumi.Output<string>;

  constructor(name: string, args: PgBouncerArgs, opts?: pulumi.ComponentResourceOptions) {
    new ArgsCheck(`PgBouncer "${name}"`)
      .nonEmpty(args.hosts, "hosts")
      .unique(
        args.hosts.map((host) => host.name),
        "hosts",
      )
      .done();
    super("trivet:database:PgBouncer", name, opts);

    const admin = new random.RandomPassword(
      `${name}-admin`,
      { length: 32, special: false },
      { parent: this },
    );
    this.adminPassword = pulumi.secret(admin.result);
    const poolers = rolling(args.hosts, (host, before) => this.runPooler(name, host, args, before));
    const addresses = pulumi.all(args.hosts.map((host) => host.privateAddress));
    this.endpoints = pulumi
      .all([addresses, pulumi.all(poolers.map((pooler) => pooler.id))])
      .apply(([all]) => all.map((address) => `${address}:${PORTS.pgBouncer}`));
    this.registerOutputs({ endpoints: this.endpoints });
  }

  private runPooler(
    name: string,
    host: Host,
    args: PgBouncerArgs,
    before: pulumi.Resource[],
  ): PinnedService {
    const { upstream, swarm } = args;
    const service = `${name}-${host.name}`;
    const folder = `/etc/trivet/${name}`;
    const limits = pulumi.output(args.pool ?? {}).apply((given) => resolvePool(name, given));
    const config = pulumi
      .all([host.privateAddress, limits])
      .apply(([address, pool]) =>
        renderPoolerConfig(["127.0.0.1", address, swarm.gatewayAddress], upstream.database, pool),
      );
    const users = pulumi
      .all([upstream.password, this.adminPassword])
      .apply(([password, adminPassword]) =>
        renderUserList({ [upstream.user]: password, [POOLER_ADMIN]: adminPassword }),
      );
    const access = { mode: "0400", owner: OWNER };
    const files = remoteFiles(
      `${service}-files`,
      host,
      {
        files: [
          { path: `${folder}/userlist.txt`, content: users, ...access },
          { path: `${folder}/pgbouncer.ini`, content: config, ...access },
        ],
        afterwards: signalService(service, "HUP"),
        dependsOn: [args.swarm.provider],
      },
      this,
    );
    return pinnedService(
      service,
      {
        service,
        host,
        swarm,
        image: args.image,
        healthcheck: {
          test: ["CMD", "bash", "-c", `</dev/tcp/127.0.0.1/${PORTS.pgBouncer}`],
          startSeconds: 10,
        },
        configFolders: { [folder]: "/etc/trivet" },
        stopGraceSeconds: 30,
        dependsOn: [files, ...before],
      },
      this,
    );
  }
}

function resolvePool(name: string, given: PoolArgs): Required<PoolArgs> {
  const pool = withDefaults(POOL_DEFAULTS, given);
  new ArgsCheck(`PgBouncer "${name}"`)
    .integer(pool.size, "pool.size", 1, 1000)
    .integer(pool.maxClients, "pool.maxClients", pool.size, 100_000)
    .integer(pool.waitSeconds, "pool.waitSeconds", 0, 86_400)
    .done();
  return pool;
}
