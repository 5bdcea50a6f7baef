import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { entryOf } from "../core/collections";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { isShort, leadOf } from "../core/host";
import { PORTS } from "../core/ports";
import { remoteFiles } from "../core/remote-files";
import type { RemoteRun } from "../core/remote-script";
import { readScript, remoteScript } from "../core/remote-script";
import { rolling } from "../core/rolling";
import { managerScript } from "../swarm/nodes";
import type { SwarmHandle } from "../swarm/swarm";
import type { PinnedService } from "../swarm/pinned-service";
import { pinnedService } from "../swarm/pinned-service";
import type { MemberCertificate } from "./certificates";
import { ClusterCertificates } from "./certificates";
import { renderEtcdConfig, renderMembers } from "./etcd-files";

/** Arguments of {@link EtcdCluster}. */
export interface EtcdClusterArgs {
  /** One, three or five machines, one member each. */
  hosts: readonly Host[];
  swarm: SwarmHandle;
  /** Identity of an image with etcd 3.5 (`components/images/etcd`). */
  image: pulumi.Input<string>;
}

/** How to reach an etcd cluster. Clients prove themselves with a certificate. */
export interface EtcdEndpoints {
  /** `address:port` of each member, known once that member runs. */
  readonly addresses: pulumi.Output<string[]>;
  /** By the machine's name. */
  readonly certificates: Readonly<Record<string, MemberCertificate>>;
}

/** User and group of the image. */
const OWNER = "64801:64801";
const SCRIPTS = {
  start: readScript(__dirname, "etcd-start.sh"),
  found: readScript(__dirname, "etcd-found.sh"),
  members: managerScript(__dirname, "etcd-members.sh"),
};

/**
 * etcd over mutual TLS, one member per machine, on its network and in a volume of its own. The first
 * machine founds the cluster, each other one joins it: at once, or when the platform grows.
 */
export class EtcdCluster extends Component implements EtcdEndpoints {
  readonly addresses: pulumi.Output<string[]>;
  readonly certificates: Readonly<Record<string, MemberCertificate>>;

  constructor(name: string, args: EtcdClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    new ArgsCheck(`EtcdCluster "${name}"`)
      .quorum(args.hosts, "hosts")
      .unique(
        args.hosts.map((host) => host.name),
        "hosts",
      )
      .done();
    super("trivet:database:EtcdCluster", name, opts);

    const issued = new ClusterCertificates(name, args.hosts, { parent: this });
    this.certificates = issued.members;
    const ready = [this.found(name, args), this.removeObsolete(name, args)];
    const services = rolling(args.hosts, (host, after) =>
      this.runMember(name, host, args, [...ready, ...after]),
    );
    this.addresses = pulumi
      .all([
        pulumi.all(args.hosts.map((host) => host.privateAddress)),
        pulumi.all(services.map(({ id }) => id)),
      ])
      .apply(([all]) => all.map((address) => `${address}:${PORTS.etcdClient}`));
    this.registerOutputs({ addresses: this.addresses });
  }

  private found(name: string, { hosts, swarm }: EtcdClusterArgs): RemoteRun {
    const script = {
      script: SCRIPTS.found,
      args: [`trivet-${name}`, OWNER],
      once: true,
      dependsOn: [swarm.provider],
    };
    return remoteScript(`${name}-found`, leadOf(hosts), script, this);
  }

  private removeObsolete(name: string, { hosts, swarm }: EtcdClusterArgs): RemoteRun {
    const lead = leadOf(hosts);
    const machines = hosts.flatMap((host) => [host.name, host.privateAddress]);
    const script = {
      script: SCRIPTS.members,
      args: [`${name}-${lead.name}`, `trivet-${name}`, ...machines],
      dependsOn: [swarm.provider],
    };
    return remoteScript(`${name}-members`, lead, script, this);
  }

  private runMember(
    name: string,
    host: Host,
    args: EtcdClusterArgs,
    after: pulumi.Resource[],
  ): PinnedService {
    const { authority, certificate, key } = entryOf(this.certificates, host.name);
    const members = args.hosts.map((h) => ({ name: h.name, address: h.privateAddress }));
    const all = pulumi.output(members);
    const config = all.apply((known) => renderEtcdConfig(name, host.name, known));
    const folder = `/etc/trivet/${name}`;
    const files = remoteFiles(
      `${name}-${host.name}-files`,
      host,
      {
        files: [
          { path: `${folder}/authority.pem`, content: authority },
          { path: `${folder}/member.pem`, content: certificate },
          { path: `${folder}/member-key.pem`, content: key, mode: "0400", owner: OWNER },
          { path: `${folder}/etcd.yml`, content: config },
          { path: `${folder}/members`, content: all.apply(renderMembers) },
          { path: `${folder}/start.sh`, content: SCRIPTS.start },
        ],
        // Nothing is written on a machine that was not found fit for the platform.
        dependsOn: [args.swarm.provider],
      },
      this,
    );
    return pinnedService(
      `${name}-${host.name}`,
      {
        service: `${name}-${host.name}`,
        host,
        swarm: args.swarm,
        image: args.image,
        command: ["tini", "--", "bash", "/etc/trivet/start.sh", host.name],
        healthcheck: {
          test: ["CMD", "curl", "-fsS", `http://127.0.0.1:${PORTS.etcdMetrics}/livez`],
          // The others are taken in one after the other.
          startSeconds: 120,
        },
        configFolders: { [folder]: "/etc/trivet" },
        volumes: { [`trivet-${name}`]: "/var/lib/etcd-data" },
        stopGraceSeconds: 15,
        isHeld: isShort(args.hosts),
        dependsOn: [files, ...after],
      },
      this,
    );
  }
}
