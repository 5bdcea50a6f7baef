import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { remoteFiles } from "../core/remote-files";
import { readScript } from "../core/remote-script";

/** Arguments of {@link ReplicaSpread}. */
export interface ReplicaSpreadArgs {
  /** The Swarm's managers. */
  managers: readonly Host[];
}

const SCRIPT = readScript(__dirname, "spread.sh");
const UNIT = "trivet-spread";
const PATH = `/usr/local/lib/trivet/${UNIT}.sh`;

const SERVICE = `[Unit]
Description=Replicas of applications over all machines
After=docker.service
PartOf=docker.service

[Service]
Type=oneshot
# A Docker that somebody has stopped stays stopped: any word to its socket would start it.
ExecCondition=/usr/bin/systemctl is-active --quiet docker.service
ExecStart=/bin/bash ${PATH}
TimeoutStartSec=30min
`;

const TIMER = `[Unit]
Description=Looks whether replicas have to be spread again

[Timer]
OnActiveSec=30
OnUnitInactiveSec=30
AccuracySec=5

[Install]
WantedBy=timers.target
`;

const START = `systemctl daemon-reload
systemctl enable --quiet ${UNIT}.timer
systemctl restart ${UNIT}.timer`;

/**
 * Spreads replicas again when a machine is back, or new: Swarm itself leaves them where they are. Those
 * that are too many on a machine are replaced, about a minute after the machines came to rest.
 */
export class ReplicaSpread extends Component {
  constructor(name: string, args: ReplicaSpreadArgs, opts?: pulumi.ComponentResourceOptions) {
    new ArgsCheck(`ReplicaSpread "${name}"`)
      .nonEmpty(args.managers, "managers")
      .unique(
        args.managers.map((host) => host.name),
        "managers",
      )
      .done();
    super("trivet:swarm:ReplicaSpread", name, opts);

    for (const host of args.managers) {
      const units = `/etc/systemd/system/${UNIT}`;
      const files = [
        { path: PATH, content: SCRIPT },
        { path: `${units}.service`, content: SERVICE },
        { path: `${units}.timer`, content: TIMER },
      ];
      remoteFiles(`${name}-${host.name}-files`, host, { files, afterwards: START }, this);
    }
    this.registerOutputs({});
  }
}
