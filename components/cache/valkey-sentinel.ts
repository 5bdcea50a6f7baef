import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../core/host";
import { PORTS } from "../core/ports";
import { remoteFiles, signalService } from "../core/remote-files";
import { readScript } from "../core/remote-script";
import type { PinnedService } from "../swarm/pinned-service";
import { pinnedService } from "../swarm/pinned-service";
import type { SwarmHandle } from "../swarm/swarm";
import { renderMembers } from "./valkey-files";
import { renderSentinelConfig } from "./valkey-sentinel-files";

/** Arguments of {@link runSentinel}. */
export interface SentinelArgs {
  host: Host;
  swarm: SwarmHandle;
  /** Identity of the servers' own image. */
  image: pulumi.Input<string>;
  /** Addresses of all servers, the first machine's first. */
  members: pulumi.Output<string[]>;
  password: pulumi.Output<string>;
  isHeld: boolean;
  dependsOn: pulumi.Resource[];
}

/** User and group of the image. */
const OWNER = "64805:64805";
const START = `#!/usr/bin/env bash\n${["primary.sh", "start-sentinel.sh"].map((file) => readScript(__dirname, file)).join("\n")}`;

/** A Sentinel: a majority of them makes a replica the primary when that is lost. */
export function runSentinel(
  name: string,
  args: SentinelArgs,
  parent: pulumi.Resource,
): PinnedService {
  const { host, swarm, image, isHeld, dependsOn } = args;
  const service = `${name}-${host.name}`;
  const folder = `/etc/trivet/${name}`;
  const config = pulumi
    .all([host.privateAddress, args.password, args.members])
    .apply(([address, password, members]) =>
      renderSentinelConfig({ service, address, password, members }),
    );
  const members = pulumi
    .all([host.privateAddress, args.members])
    .apply(([address, all]) => renderMembers(address, all));
  const files = remoteFiles(
    `${service}-files`,
    host,
    {
      files: [
        { path: `${folder}/start.sh`, content: START },
        { path: `${folder}/members`, content: members },
        { path: `${folder}/sentinel.conf`, content: config, mode: "0400", owner: OWNER },
      ],
      // It takes settings and members at its start alone, and goes on with what it knew.
      afterwards: signalService(service, "TERM"),
      dependsOn: [swarm.provider],
    },
    parent,
  );
  return pinnedService(
    service,
    {
      service,
      host,
      swarm,
      image,
      command: ["bash", "/etc/trivet/start.sh"],
      healthcheck: {
        test: [
          "CMD-SHELL",
          `valkey-cli -h 127.0.0.1 -p ${PORTS.sentinel} ping | grep -qE 'PONG|NOAUTH'`,
        ],
        startSeconds: 30,
      },
      configFolders: { [folder]: "/etc/trivet" },
      volumes: { [`trivet-${name}`]: "/var/lib/valkey-data" },
      stopGraceSeconds: 10,
      isHeld,
      dependsOn: [files, ...dependsOn],
    },
    parent,
  );
}
