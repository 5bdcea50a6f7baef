import * as pulumi from "@pulumi/pulumi";
import { firstOf, mapValues } from "../components/core/collections";
import { Valkey } from "../components/cache/valkey";
import { ValkeyRouter } from "../components/cache/valkey-router";
import type { Host } from "../components/core/host";
import { EtcdCluster } from "../components/database/etcd-cluster";
import { PatroniCluster } from "../components/database/patroni-cluster";
import { PgBouncer } from "../components/database/pg-bouncer";
import { PoolerGuard } from "../components/database/pooler-guard";
import { PrimaryRouter } from "../components/database/primary-router";
import { FloatingAddress } from "../components/entry/floating-address";
import type { ImageSource } from "../components/images/image-set";
import { ImageSet } from "../components/images/image-set";
import { platformImages } from "../components/images/platform-images";
import {
  DockerEngine,
  Firewall,
  KernelTuning,
  MachineFacts,
  StalePorts,
} from "../components/machine";
import { LeavingNodes } from "../components/swarm/leaving-nodes";
import { ObsoleteNodes } from "../components/swarm/obsolete-nodes";
import { ReplicaSpread } from "../components/swarm/replica-spread";
import { Swarm } from "../components/swarm/swarm";
import type { TlsCertificate } from "../components/web/nginx-load-balancer";
import { urlHost } from "../components/web/nginx-files";
import { NginxLoadBalancer } from "../components/web/nginx-load-balancer";
import { SelfSignedCertificate } from "../components/web/self-signed-certificate";
import type { PlatformConfig } from "./config";
import { createDump } from "./dump";
import type { Machines } from "./machines";
import { createMachines } from "./machines";
import { describeOutputs } from "./outputs";
import { createServices } from "./services";
import { holdFor, measuredSize } from "./sizes";

/** The whole platform, from the picture's bottom to its top. Returns the stack's outputs. */
export function createPlatform(
  config: PlatformConfig,
  machines: Machines = createMachines(config),
): Record<string, pulumi.Input<unknown>> {
  const { core } = machines;

  const { facts, prepared } = prepareMachines(config, machines);
  const size = measuredSize(config, facts.facts);
  const swarm = new Swarm(
    "swarm",
    { managers: core, workers: machines.app, network: config.network },
    { dependsOn: prepared },
  );
  if (machines.all.length > 1) {
    new ReplicaSpread("spread", { managers: core }, { dependsOn: swarm });
  }
  const { images, obtained } = createImages(config, machines, prepared);

  const etcd = new EtcdCluster(
    "etcd",
    { hosts: core, swarm, image: images.etcd },
    // Nothing is replaced before every image is there: a build that fails leaves everything as it runs.
    { dependsOn: obtained },
  );
  const obsolete = new ObsoleteNodes(
    "obsolete",
    { managers: core, workers: machines.app, found: swarm.obsoleteNodes },
    { dependsOn: etcd },
  );
  const postgres = new PatroniCluster(
    "postgres",
    {
      hosts: core,
      swarm,
      etcd,
      image: images.postgres,
      parameters: size.database.parameters.apply((computed) => ({
        ...computed,
        ...config.database.parameters,
      })),
      database: { name: config.database.name, user: config.database.user },
      clients: machines.app.map((host) => host.privateAddress),
    },
    { dependsOn: obsolete },
  );
  createDump(config, machines, postgres);
  const router = new PrimaryRouter(
    "router",
    {
      hosts: machines.all,
      swarm,
      image: images.haproxy,
      members: postgres.members,
      maxConnections: config.database.router.maxConnections,
    },
    // Not while the primary moves: each of the two is a wait of its own for users.
    { dependsOn: postgres },
  );
  const pgBouncer = new PgBouncer(
    "pgbouncer",
    {
      hosts: machines.all,
      swarm,
      image: images.pgbouncer,
      upstream: postgres,
      pool: {
        size: size.database.poolSize,
        maxClients: size.database.maxClients,
        waitSeconds: config.database.pool.waitSeconds,
      },
    },
    { dependsOn: router },
  );
  new PoolerGuard(
    "pooler-guard",
    {
      hosts: machines.all,
      swarm,
      image: images.pgbouncer,
      pooler: pgBouncer,
      upstream: postgres,
      ...holdFor(config.database.pool.waitSeconds),
    },
    { dependsOn: [pgBouncer] },
  );
  const valkey = new Valkey(
    "valkey",
    { hosts: core, swarm, image: images.valkey, memoryMiB: size.cacheMemoryMiB },
    { dependsOn: obsolete },
  );
  const valkeyRouter = new ValkeyRouter(
    "valkey-router",
    { hosts: machines.all, swarm, image: images.haproxy, upstream: valkey },
    { dependsOn: valkey },
  );
  const backends = {
    database: postgres.database,
    user: postgres.user,
    databasePassword: postgres.password,
    cachePassword: valkey.password,
    gatewayAddress: swarm.gatewayAddress,
    dependsOn: [pgBouncer, valkeyRouter],
  };
  const { services, generated } = createServices(config, machines, swarm, backends);
  const tls = certificateOf(config);
  const nginx = createEntry(config, machines, swarm, images.nginx, tls, services);
  const addresses = createAddress(config, machines, nginx);
  return describeOutputs(config, machines, {
    postgres,
    addresses,
    certificate: tls.certificate,
    generated,
    size,
  });
}

/** Everything that a bare machine needs before it can hold a container. */
function prepareMachines(config: PlatformConfig, { core, app, all }: Machines) {
  const facts = new MachineFacts("machine", { hosts: all });
  const checked = { dependsOn: facts };
  const kernel = new KernelTuning("kernel", { hosts: all, ...config.kernel }, checked);
  const docker = new DockerEngine(
    "docker",
    { hosts: all, ...config.docker },
    { dependsOn: kernel },
  );
  new StalePorts("stale-ports", { hosts: all }, { dependsOn: docker });
  const handover = new LeavingNodes(
    "leaving",
    { managers: core, workers: app, etcd: "etcd", postgres: "postgres" },
    // A new machine that cannot hold containers stops the update before an old one has handed over to it.
    { dependsOn: docker },
  );
  const firewall = new Firewall(
    "firewall",
    {
      hosts: all,
      sshPorts: mapValues(config.machines, ({ port }) => port),
      ...config.firewall,
      containerSubnets: [config.network.gatewaySubnet],
      sharedAddresses: config.entry === undefined ? [] : [config.entry.address],
    },
    { dependsOn: [facts, handover] },
  );
  return { facts, prepared: [docker, firewall] };
}

/**
 * The platform's own images. Every machine has a router and a pooler for the containers that run on
 * it; the rest is for core machines.
 */
function createImages(config: PlatformConfig, machines: Machines, dependsOn: pulumi.Resource[]) {
  const { debian, nginx } = config.images;
  const { haproxy, pgbouncer, ...core } = platformImages({ debian, nginx });
  const make = <Names extends string>(
    name: string,
    hosts: Host[],
    images: Record<Names, ImageSource>,
  ) => new ImageSet(name, { hosts, images, ...registryOf(config) }, { dependsOn });
  const ofCore = make("image", machines.core, core);
  const ofAll = make("router-image", machines.all, { haproxy, pgbouncer });
  return { images: { ...ofCore.ids, ...ofAll.ids }, obtained: [ofCore, ofAll] };
}

/** The configuration's registry with its password made secret. */
export function registryOf(config: PlatformConfig) {
  const { registry } = config.images;
  if (registry === undefined) return {};
  const { password, ...rest } = registry;
  const secret = password === undefined ? {} : { password: pulumi.secret(password) };
  return { registry: { ...rest, ...secret } };
}

function certificateOf(config: PlatformConfig): TlsCertificate {
  const { certificate, key } = config.tls;
  return certificate !== undefined && key !== undefined
    ? { certificate, key: pulumi.secret(key) }
    : new SelfSignedCertificate("certificate", { domains: config.domains });
}

function createEntry(
  config: PlatformConfig,
  { core }: Machines,
  swarm: Swarm,
  image: pulumi.Output<string>,
  tls: TlsCertificate,
  services: pulumi.Resource[],
): NginxLoadBalancer {
  const entries = Object.entries(config.services);
  return new NginxLoadBalancer(
    "nginx",
    {
      hosts: core,
      swarm,
      image,
      upstreams: entries.map(([name, { port }]) => ({ name, port })),
      routes: entries.flatMap(([service, { routes }]) => routes.map((r) => ({ ...r, service }))),
      tls,
      ...config.loadBalancer,
    },
    { dependsOn: services },
  );
}

/** Where users come in: one address that leads to all core machines, or that of each. */
function createAddress(
  { entry, domains }: PlatformConfig,
  { core, all }: Machines,
  nginx: NginxLoadBalancer,
): pulumi.Output<string[]> {
  if (entry === undefined) {
    FloatingAddress.keepOn("entry", all);
    return nginx.addresses;
  }
  const { address } = new FloatingAddress(
    "entry",
    { hosts: core, checkHost: urlHost(firstOf(domains)), ...entry },
    { dependsOn: nginx },
  );
  return address.apply((known) => [known]);
}
