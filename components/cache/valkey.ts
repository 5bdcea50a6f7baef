import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { isShort, leadOf } from "../core/host";
import { remoteFiles } from "../core/remote-files";
import type { RemoteRun } from "../core/remote-script";
import { readScript, remoteScript } from "../core/remote-script";
import { rolling } from "../core/rolling";
import type { PinnedService } from "../swarm/pinned-service";
import { pinnedService } from "../swarm/pinned-service";
import type { SwarmHandle } from "../swarm/swarm";
import { renderMembers, renderValkeyConfig } from "./valkey-files";
import { runSentinel } from "./valkey-sentinel";

/** Arguments of {@link Valkey}. */
export interface ValkeyArgs {
  /** One, three or five machines that run one server each; the first one is primary at first. */
  hosts: readonly Host[];
  swarm: SwarmHandle;
  /** Identity of an image with Valkey 8 (`components/images/valkey`). */
  image: pulumi.Input<string>;
  /** Memory for data [maxmemory]. MiB, 16 to 65536. @default 128 */
  memoryMiB?: pulumi.Input<number>;
}

/** What a router needs to know of the servers behind it. */
export interface CacheEndpoints {
  /** A secret. */
  readonly password: pulumi.Output<string>;
  /** The servers; which of them is primary, each tells itself. */
  readonly members: readonly { name: string; address: pulumi.Input<string> }[];
}

/** User and group of the image. */
const OWNER = "64805:64805";
const START = `#!/usr/bin/env bash\n${["primary.sh", "start.sh"].map((file) => readScript(__dirname, file)).join("\n")}`;
const RELOAD = readScript(__dirname, "reload.sh");
const SETTLE = readScript(__dirname, "settle.sh");
/** A replica reads all data from its primary; a Sentinel finds the others within 10 s. */
const SETTLE_SECONDS = 120;

/**
 * Valkey, compatible with Redis: sessions, rate limits, pub/sub. Data is appended to disk each second.
 * With three machines or more, one server is primary, the others replicate it, and Sentinels make one
 * of them primary when it is lost. A component that depends on this one finds it replicating.
 */
export class Valkey extends Component implements CacheEndpoints {
  readonly password: pulumi.Output<string>;
  readonly members: readonly { name: string; address: pulumi.Input<string> }[];

  constructor(name: string, args: ValkeyArgs, opts?: pulumi.ComponentResourceOptions) {
    const { hosts, swarm, image } = args;
    new ArgsCheck(`Valkey "${name}"`)
      .quorum(hosts, "hosts")
      .unique(
        hosts.map((host) => host.name),
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
    this.members = hosts.map((host) => ({ name: host.name, address: host.privateAddress }));
    const members = pulumi.all(hosts.map((host) => host.privateAddress));
    // One after the other also at first: a new one looks for one that runs, and must not find it restarting.
    const servers: PinnedService[] = [];
    for (const host of hosts) {
      servers.push(this.runServer(name, host, args, members, servers.slice(-1)));
    }
    if (hosts.length > 1) {
      const { password } = this;
      const sentinels = rolling(hosts, (host, before) => {
        const dependsOn = [...servers, ...before];
        const isHeld = isShort(hosts);
        const own = { host, swarm, image, members, password, isHeld, dependsOn };
        return runSentinel(`${name}-sentinel`, own, this);
      });
      this.settle(name, hosts, [...servers, ...sentinels]);
    }
    this.registerOutputs({});
  }

  private runServer(
    name: string,
    host: Host,
    args: ValkeyArgs,
    members: pulumi.Output<string[]>,
    before: PinnedService[],
  ): PinnedService {
    const service = `${name}-${host.name}`;
    const folder = `/etc/trivet/${name}`;
    const replicas = args.hosts.length - 1;
    const config = pulumi
      .all([host.privateAddress, this.password, args.memoryMiB ?? 128])
      .apply(([address, password, memoryMiB]) =>
        renderValkeyConfig({ address, password, memoryMiB, replicas }),
      );
    const addresses = pulumi
      .all([host.privateAddress, members])
      .apply(([address, all]) => renderMembers(address, all));
    const files = remoteFiles(
      `${service}-files`,
      host,
      {
        files: [
          { path: `${folder}/start.sh`, content: START },
          { path: `${folder}/members`, content: addresses },
          { path: `${folder}/valkey.conf`, content: config, mode: "0400", owner: OWNER },
        ],
        afterwards: `set -- ${service}\n${RELOAD}`,
        // Nothing is written on a machine that was not found fit for the platform.
        dependsOn: [args.swarm.provider],
      },
      this,
    );
    return pinnedService(
      service,
      {
        service,
        host,
        swarm: args.swarm,
        image: args.image,
        command: ["bash", "/etc/trivet/start.sh"],
        healthcheck: {
          // NOAUTH is an answer too; LOADING is not: data is still being read from disk.
          test: ["CMD-SHELL", "valkey-cli -h 127.0.0.1 ping | grep -qE 'PONG|NOAUTH'"],
          startSeconds: 120,
        },
        configFolders: { [folder]: "/etc/trivet" },
        volumes: { [`trivet-${name}`]: "/var/lib/valkey-data" },
        stopGraceSeconds: 30,
        isHeld: isShort(args.hosts),
        dependsOn: [files, ...before],
      },
      this,
    );
  }

  /**
   * Runs again when a service was made anew, since what was set in the old one is gone, and when a
   * machine is back: while one cannot be reached, nobody waits for its server.
   */
  private settle(name: string, hosts: readonly Host[], services: PinnedService[]): RemoteRun {
    const lead = leadOf(hosts);
    const reachable = hosts.filter(({ away }) => away === undefined);
    const script = {
      script: SETTLE,
      args: [
        `${name}-${lead.name}`,
        String(SETTLE_SECONDS),
        ...reachable.map((host) => host.privateAddress),
      ],
      after: services.map((service) => service.id),
      dependsOn: services,
    };
    return remoteScript(`${name}-settle`, lead, script, this);
  }
}
