import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { PORTS } from "../core/ports";
import { rolling } from "../core/rolling";
import type { PinnedService } from "../swarm/pinned-service";
import { proxyService } from "../swarm/proxy-service";
import type { SwarmHandle } from "../swarm/swarm";
import { renderRouterConfig } from "./router-files";

/** Arguments of {@link PrimaryRouter}. */
export interface PrimaryRouterArgs {
  /** Machines that run one router each. */
  hosts: readonly Host[];
  swarm: SwarmHandle;
  /** Identity of an image with HAProxy 2.8 or newer (`components/images/haproxy`). */
  image: pulumi.Input<string>;
  /** Members of the Postgres cluster; Patroni's REST interface tells which one is primary. */
  members: readonly { name: string; address: pulumi.Input<string> }[];
  /** Connections that one router holds at most. Count, 100 to 100000. @default 4000 */
  maxConnections?: number;
}

/**
 * HAProxy on each machine: one port leads to the primary, another to the standbys (or, with none, to
 * the primary). It listens on the machine's own addresses, never on the public one.
 */
export class PrimaryRouter extends Component {
  /** Port of the primary, on each machine. */
  readonly primaryPort: pulumi.Output<number>;
  /** Port of the standbys, on each machine. */
  readonly standbyPort: pulumi.Output<number>;

  constructor(name: string, args: PrimaryRouterArgs, opts?: pulumi.ComponentResourceOptions) {
    const { maxConnections = 4000 } = args;
    new ArgsCheck(`PrimaryRouter "${name}"`)
      .nonEmpty(args.hosts, "hosts")
      .nonEmpty(args.members, "members")
      .integer(maxConnections, "maxConnections", 100, 100_000)
      .done();
    super("trivet:database:PrimaryRouter", name, opts);

    const services = rolling(args.hosts, (host, before) =>
      this.runRouter(name, host, args, maxConnections, before),
    );
    const ready = pulumi.all(services.map((service) => service.id));
    this.primaryPort = ready.apply(() => PORTS.routerPrimary);
    this.standbyPort = ready.apply(() => PORTS.routerStandby);
    this.registerOutputs({ primaryPort: this.primaryPort, standbyPort: this.standbyPort });
  }

  private runRouter(
    name: string,
    host: Host,
    args: PrimaryRouterArgs,
    maxConnections: number,
    before: pulumi.Resource[],
  ): PinnedService {
    const service = `${name}-${host.name}`;
    const folder = `/etc/trivet/${name}`;
    const config = pulumi
      .all([host.privateAddress, args.members])
      .apply(([address, members]) =>
        renderRouterConfig(
          ["127.0.0.1", address, args.swarm.gatewayAddress],
          members,
          maxConnections,
        ),
      );
    return proxyService(
      {
        service,
        host,
        swarm: args.swarm,
        image: args.image,
        folder,
        config,
        port: PORTS.routerStats,
        // Poolers give their sessions up as soon as no transaction is open (pooler-guard.py). Three of 18 routers went on
        // for the ten seconds that they had then, without a single connection; why is not known.
        drainSeconds: 2,
        before,
      },
      this,
    );
  }
}
