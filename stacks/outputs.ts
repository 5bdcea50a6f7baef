import * as pulumi from "@pulumi/pulumi";
import { entryOf, firstOf } from "../components/core/collections";
import { PORTS } from "../components/core/ports";
import { shellQuote } from "../components/core/remote-script";
import type { PatroniCluster } from "../components/database/patroni-cluster";
import { urlHost } from "../components/web/nginx-files";
import type { PlatformConfig } from "./config";
import type { Machines } from "./machines";
import type { GeneratedSecrets } from "./services";
import type { PlatformSize } from "./sizes";

/** What the outputs are made of. */
export interface PlatformParts {
  postgres: PatroniCluster;
  /** Where users come in, known once it answers. */
  addresses: pulumi.Output<string[]>;
  certificate: pulumi.Input<string>;
  generated: GeneratedSecrets;
  size: pulumi.Output<PlatformSize>;
}

/** The stack's outputs: where it answers, what it is made of, how to get in. Secrets are marked. */
export function describeOutputs(
  config: PlatformConfig,
  machines: Machines,
  { postgres, addresses, certificate, generated, size }: PlatformParts,
): Record<string, pulumi.Input<unknown>> {
  return {
    urls: addresses.apply(() => config.domains.map((domain) => `https://${urlHost(domain)}/`)),
    addresses,
    /** What a client has to trust if nobody else vouches for it. */
    certificate,
    machines: Object.fromEntries(
      machines.all.map((host) => [
        host.name,
        {
          address: host.publicAddress,
          privateAddress: host.privateAddress,
          role: config.machines[host.name]?.role ?? "core",
          hostKey: config.machines[host.name]?.hostKey ?? "",
          ssh: pulumi
            .all([host.docker.host, host.docker.sshOpts])
            .apply(([address, options]) => ["ssh", ...options, address].map(shellQuote).join(" ")),
        },
      ]),
    ),
    services: Object.fromEntries(
      Object.entries(config.services).map(([name, { port, replicas, routes }]) => [
        name,
        {
          port,
          replicas,
          routes: routes.map(({ host, path }) => `https://${urlHost(host)}${path}`),
        },
      ]),
    ),
    database: {
      name: postgres.database,
      user: postgres.user,
      pooledPort: PORTS.pgBouncer,
      primaryPort: PORTS.routerPrimary,
      standbyPort: PORTS.routerStandby,
      maxConnections: size.database.parameters.apply((p) => p.max_connections),
      poolSize: size.database.poolSize,
    },
    databasePassword: pulumi.secret(postgres.password),
    /** What the platform made, for whoever has to sign in with it. Secrets. */
    generatedSecrets: generated,
    databaseCommand: openDatabase(machines, postgres),
  };
}

/** Opens psql as the superuser on the first core machine; read-only there while it is a standby. */
function openDatabase({ core }: Machines, postgres: PatroniCluster): pulumi.Output<string> {
  const first = firstOf(core);
  const service = entryOf(postgres.services, first.name);
  const find = `docker ps -qf label=com.docker.swarm.service.name=${service}`;
  const open = `docker exec -it $(${find}) psql -U postgres ${postgres.database}`;
  return pulumi
    .all([first.docker.host, first.docker.sshOpts])
    .apply(([address, options]) =>
      ["ssh", "-t", ...options, address, open].map(shellQuote).join(" "),
    );
}
