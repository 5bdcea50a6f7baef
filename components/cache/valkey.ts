import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { ArgsCheck } from "../core/args-check";
import { firstOf } from "../core/collections";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { remoteFiles } from "../core/remote-files";
import { readScript } from "../core/remote-script";
import { pinnedService } from "../swarm/pinned-service";
import type { SwarmHandle } from "../swarm/swarm";
import { renderValkeyConfig } from "./valkey-files";

/** Arguments of {@link Valkey}. */
export interface ValkeyArgs {
  /** Machines that run one server each; the first one holds the primary, the others replicate it. */
  hosts: readonly Host[];
  swarm: SwarmHandle;
  /** Identity of an image with Valkey 8 (`components/images/valkey`). */
  image: pulumi.Input<string>;
  /** Memory for data [maxmemory]. MiB, 16 to 65536. @default 128 */
  memoryMiB?: pulumi.Input<number>;
}

/** What clients of the cache need to know. */
export interface CacheEndpoints {
  /** A secret. */
  readonly password: pulumi.Output<string>;
  /** Address of the primary as a container sees it; known once it runs. */
  readonly address: pulumi.Output<string>;
}

/** User and group of the image. */
const OWNER = "64805:64805";
const RELOAD = readScript(__dirname, "reload.sh");

/** Valkey, compatible with Redis: sessions, rate limits, pub/sub. Data is appended to disk each second. */
export class Valkey extends Component implements CacheEndpoints {
  readonly password: pulumi.Output<string>;
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: ValkeyArgs, opts?: pulumi.ComponentResourceOptions) {
    new ArgsCheck(`Valkey "${name}"`)
      .nonEmpty(args.hosts, "hosts")
      .unique(
        args.hosts.map((host) => host.name),
        "hosts",
      )
      .done();
    super("trivet:cache:Valkey", name, opts);

    const generated = new random.RandomPassword(
      `${name}-password`,
      { length: 32, special: false },
      { parent: this },
    );
    this.password = pulumi.secret(generated.result);
    const services = args.hosts.map((host) => this.runServer(name, host, args));
    const ready = pulumi.all(services.map((service) => service.id));
    this.address = pulumi
      .all([firstOf(args.hosts).privateAddress, ready])
      .apply(([found]) => found);
    this.registerOutputs({ address: this.address });
  }

  private runServer(name: string, host: Host, args: ValkeyArgs): docker.Service {
    const service = `${name}-${host.name}`;
    const folder = `/etc/trivet/${name}`;
    const primary = firstOf(args.hosts);
    const config = pulumi
      .all([host.privateAddress, primary.privateAddress, this.password, args.memoryMiB ?? 128])
      .apply(([address, primaryAddress, password, memoryMiB]) =>
        renderValkeyConfig({
          listenAddresses: ["127.0.0.1", address, args.swarm.gatewayAddress],
          password,
          memoryMiB,
          ...(host !== primary && { primaryAddress }),
        }),
      );
    const file = { path: `${folder}/valkey.conf`, content: config, mode: "0400", owner: OWNER };
    const afterwards = `set -- ${service}\n${RELOAD}`;
    // Nothing is written on a machine that was not found fit for the platform.
    const content = { files: [file], afterwards, dependsOn: [args.swarm.provider] };
    const files = remoteFiles(`${service}-files`, host, content, this);
    return pinnedService(
      service,
      {
        service,
        host,
        swarm: args.swarm,
        image: args.image,
        healthcheck: {
          // NOAUTH is an answer too; LOADING is not: data is still being read from disk.
          test: ["CMD-SHELL", "valkey-cli -h 127.0.0.1 ping | grep -qE 'PONG|NOAUTH'"],
          startSeconds: 120,
        },
        configFolders: { [folder]: "/etc/trivet" },
        volumes: { [`trivet-${name}`]: "/var/lib/valkey-data" },
        stopGraceSeconds: 30,
        dependsOn: [files],
      },
      this,
    );
  }
}
