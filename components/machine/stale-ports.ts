import type * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { remoteFiles } from "../core/remote-files";
import { readScript } from "../core/remote-script";
import { checkHosts } from "./shared";

/** Arguments of {@link StalePorts}. */
export interface StalePortsArgs {
  /** Machines with Docker. At least one, names distinct. */
  hosts: readonly Host[];
}

const SCRIPT = readScript(__dirname, "stale-ports.sh");
const UNIT = "trivet-stale-ports";
const PATH = `/usr/local/lib/trivet/${UNIT}.sh`;

const SERVICE = `[Unit]
Description=Published ports that lead to no container
After=docker.service
PartOf=docker.service

[Service]
Type=exec
ExecStart=/bin/bash ${PATH}

[Install]
WantedBy=docker.service
`;

/**
 * Looks after each start of Docker whether a published port leads to a container that is gone, which keeps it from the one that
 * is there, and starts Docker anew then: a power cut while containers start may leave that behind. Seen on 2 of 20
 * stand-in machines whose power was cut in the seconds after Docker's start.
 */
export class StalePorts extends Component {
  constructor(name: string, { hosts }: StalePortsArgs, opts?: pulumi.ComponentResourceOptions) {
    checkHosts(new ArgsCheck(`StalePorts "${name}"`), hosts).done();
    super("trivet:machine:StalePorts", name, opts);

    const files = [
      { path: PATH, content: SCRIPT },
      { path: `/etc/systemd/system/${UNIT}.service`, content: SERVICE },
    ];
    const afterwards = `systemctl daemon-reload\nsystemctl enable --quiet ${UNIT}.service`;
    for (const host of hosts) {
      remoteFiles(`${name}-${host.name}-files`, host, { files, afterwards }, this);
    }
    this.registerOutputs({});
  }
}
