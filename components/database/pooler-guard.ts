import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { remoteFiles, signalService } from "../core/remote-files";
import { readScript } from "../core/remote-script";
import { rolling } from "../core/rolling";
import type { PinnedService } from "../swarm/pinned-service";
import { pinnedService } from "../swarm/pinned-service";
import type { SwarmHandle } from "../swarm/swarm";
import type { DatabaseEndpoints } from "./patroni-cluster";
import type { PgBouncer } from "./pg-bouncer";
import { renderGuardSettings } from "./pooler-guard-files";

/** Arguments of {@link PoolerGuard}. */
export interface PoolerGuardArgs {
  /** Machines whose pooler is guarded; each has a pooler and a router. */
  hosts: readonly Host[];
  swarm: SwarmHandle;
  /** Identity of an image with Python 3 and psycopg2 (`components/images/pgbouncer`). */
  image: pulumi.Input<string>;
  /** The poolers of these machines. */
  pooler: Pick<PgBouncer, "adminPassword">;
  /** The Postgres cluster behind them. */
  upstream: Pick<DatabaseEndpoints, "database" | "members">;
  /**
   * Longest time that queries are held while there is no primary; then they fail. Below the pooler's
   * `waitSeconds`, which would end them one by one. Seconds, 5 to 3600. @default 40
   */
  deadlineSeconds?: number;
}

/** The one place these defaults live; a test compares them with the @default tags above. */
export const GUARD_DEFAULTS = { deadlineSeconds: 40 };

/** User and group of the image. */
const OWNER = "64804:64804";
const PROGRAM = readScript(__dirname, "pooler-guard.py");
/** What the program touches in each round; a guard that hangs must not look as if it guarded. */
const IS_ALIVE = "(( $(date +%s) - $(stat -c %Y /tmp/alive) < 10 ))";

/**
 * A failover that shows as latency: beside each pooler, a guard that looks at the primary about seven
 * times a second. While there is none, pgBouncer holds new transactions of the application's database,
 * and passes them on once the router of the machine leads to the new primary. What was in flight when
 * the primary died still fails. Reads from `<database>_read` are not held: standbys go on serving them.
 * While the router of the machine takes no connections (it is replaced, or has crashed), both are held.
 *
 * For something planned: `docker exec -i <container> python3 /etc/trivet/pooler-guard.py hold` holds
 * queries until its standard input ends. It prints `paused` once no transaction is open, or `busy` if
 * some stay open.
 */
export class PoolerGuard extends Component {
  /** Service of each guard, by the machine's name. */
  readonly services: Readonly<Record<string, string>>;

  constructor(name: string, args: PoolerGuardArgs, opts?: pulumi.ComponentResourceOptions) {
    const { deadlineSeconds = GUARD_DEFAULTS.deadlineSeconds } = args;
    new ArgsCheck(`PoolerGuard "${name}"`)
      .nonEmpty(args.hosts, "hosts")
      .unique(
        args.hosts.map((host) => host.name),
        "hosts",
      )
      .nonEmpty(args.upstream.members, "upstream.members")
      .unique(
        args.upstream.members.map((member) => member.name),
        "upstream.members",
      )
      .integer(deadlineSeconds, "deadlineSeconds", 5, 3600)
      .done();
    super("trivet:database:PoolerGuard", name, opts);

    const { database, members } = args.upstream;
    const settings = pulumi
      .all([args.pooler.adminPassword, members])
      .apply(([password, known]) =>
        renderGuardSettings({ database, members: known, password, deadlineSeconds }),
      );
    rolling(args.hosts, (host, before) => this.runGuard(name, host, args, settings, before));
    this.services = Object.fromEntries(args.hosts.map((h) => [h.name, `${name}-${h.name}`]));
    this.registerOutputs({ services: this.services });
  }

  private runGuard(
    name: string,
    host: Host,
    { swarm, image }: PoolerGuardArgs,
    settings: pulumi.Output<string>,
    before: pulumi.Resource[],
  ): PinnedService {
    const service = `${name}-${host.name}`;
    const folder = `/etc/trivet/${name}`;
    const files = remoteFiles(
      `${service}-files`,
      host,
      {
        files: [
          { path: `${folder}/settings.json`, content: settings, mode: "0400", owner: OWNER },
          { path: `${folder}/pooler-guard.py`, content: PROGRAM, mode: "0444" },
        ],
        // Swarm starts it again, with the new files; what it holds is passed on before it ends.
        afterwards: signalService(service, "TERM"),
        dependsOn: [swarm.provider],
      },
      this,
    );
    return pinnedService(
      service,
      {
        service,
        host,
        swarm,
        image,
        command: ["python3", "/etc/trivet/pooler-guard.py"],
        healthcheck: { test: ["CMD", "bash", "-c", IS_ALIVE], startSeconds: 10 },
        configFolders: { [folder]: "/etc/trivet" },
        stopGraceSeconds: 10,
        stopSignal: "SIGTERM",
        dependsOn: [files, ...before],
      },
      this,
    );
  }
}
