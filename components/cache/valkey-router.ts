import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { PORTS } from "../core/ports";
import { rolling } from "../core/rolling";
import type { PinnedService } from "../swarm/pinned-service";
import { proxyService } from "../swarm/proxy-service";
import type { SwarmHandle } from "../swarm/swarm";
import type { CacheEndpoints } from "./valkey";
import { renderCacheRouterConfig } from "./valkey-router-files";

/** Arguments of {@link ValkeyRouter}. */
export interface ValkeyRouterArgs {
  /** Machines that run one router each: all that run containers of applications. */
  hosts: readonly Host[];
  swarm: SwarmHandle;
  /** Identity of an image with HAProxy 2.8 or newer (`components/images/haproxy`). */
  image: pulumi.Input<string>;
  /** The servers. Where they replicate, the router has to depend on them: it leads to none that has no replica. */
  upstream: CacheEndpoints;
  /** Connections that one router holds at most. Count, 100 to 100000. @default 4000 */
  maxConnections?: number;
}

/**
 * HAProxy on each machine: one port that leads to Valkey's primary, wherever that is, so that its
 * address never changes. It listens on the machine's own addresses, never on the public one.
 */
export class ValkeyRouter extends Component {
  /** Port of the primary, on each machine; known once the routers run. */
  readonly port: pulumi.Output<number>;

  constructor(name: string, args: ValkeyRouterArgs, opts?: pulumi.ComponentResourceOptions) {
    const { maxConnections = 4000 } = args;
    const names = args.hosts.map((host) => host.name);
    new ArgsCheck(`ValkeyRouter "${name}"`)
      .nonEmpty(args.hosts, "hosts")
      .unique(names, "hosts")
      .nonEmpty(args.upstream.members, "upstream.members")
      .integer(maxConnections, "maxConnections", 100, 100_000)
      .done();
    super("trivet:cache:ValkeyRouter", name, opts);

    const services = rolling(args.hosts, (host, before) =>
      this.runRouter(name, host, args, maxConnections, before),
    );
    const ready = pulumi.all(services.map((service) => service.id));
    this.port = ready.apply(() => PORTS.valkeyRouter);
    this.registerOutputs({ port: this.port });
  }

  private runRouter(
    name: string,
    host: Host,
    { swarm, image, upstream }: ValkeyRouterArgs,
    maxConnections: number,
    before: pulumi.Resource[],
  ): PinnedService {
    const service = `${name}-${host.name}`;
    const folder = `/etc/trivet/${name}`;
    const config = pulumi
      .all([host.privateAddress, upstream.password, upstream.members])
      .apply(([address, password, servers]) =>
        renderCacheRouterConfig({
          listenAddresses: ["127.0.0.1", address, swarm.gatewayAddress],
          servers,
          password,
          maxConnections,
        }),
      );
    const port = PORTS.valkeyRouter;
    // Clients keep their connections for good, and meanwhile no new one is taken.
    const drainSeconds = 1;
    return proxyService(
      { service, host, swarm, image, folder, config, port, drainSeconds, before },
      this,
    );
  }
}
