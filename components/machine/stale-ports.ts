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
 * Looks for a minute after each start of Docker whether a published port is one of no container, which keeps it from the
 * container that should have it, and starts Docker anew then, at most twice in a row. A power cut while containers start
 * may leave that behind: seen on a stand-in machine at the eighth cut within 5 s of Docker's start, and again at a later
 * one: nginx answered by itself 38 s after the machine's start.
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
