import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { entryOf } from "../core/collections";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { PORTS } from "../core/ports";
import { remoteFiles } from "../core/remote-files";
import type { SwarmHandle } from "../swarm/swarm";
import { pinnedService } from "../swarm/pinned-service";
import type { MemberCertificate } from "./certificates";
import { ClusterCertificates } from "./certificates";
import { renderEtcdConfig } from "./etcd-files";

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

/** etcd over mutual TLS, one member per machine, on its network and in a volume of its own. */
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
    const members = args.hosts.map((host) => {
      const { id } = this.runMember(name, host, args);
      return pulumi.all([host.privateAddress, id]);
    });
    this.addresses = pulumi
      .all(members)
      .apply((all) => all.map(([address]) => `${address}:${PORTS.etcdClient}`));
    this.registerOutputs({ addresses: this.addresses });
  }

  private runMember(name: string, host: Host, args: EtcdClusterArgs): docker.Service {
    const { authority, certificate, key } = entryOf(this.certificates, host.name);
    const members = args.hosts.map((h) => ({ name: h.name, address: h.privateAddress }));
    const config = pulumi.output(members).apply((all) => renderEtcdConfig(name, host.name, all));
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
        healthcheck: {
          test: ["CMD", "curl", "-fsS", `http://127.0.0.1:${PORTS.etcdMetrics}/livez`],
          startSeconds: 30,
        },
        configFolders: { [folder]: "/etc/trivet" },
        volumes: { [`trivet-${name}`]: "/var/lib/etcd-data" },
        stopGraceSeconds: 15,
        dependsOn: [files],
      },
      this,
    );
  }
}
