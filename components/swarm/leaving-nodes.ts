import type * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { leadOf } from "../core/host";
import { remoteScript } from "../core/remote-script";
import { managerScript } from "./nodes";

/** Arguments of {@link LeavingNodes}. */
export interface LeavingNodesArgs {
  /** The Swarm's managers, as {@link Swarm} has them. */
  managers: readonly Host[];
  /** Its other machines. @default [] */
  workers?: readonly Host[];
  /** Name of the etcd cluster that has a member on each manager. */
  etcd: string;
  /** Name of the Patroni cluster that has a member on each manager. */
  postgres: string;
}

const SCRIPT = managerScript(__dirname, "leave.sh");

/**
 * Lets a machine that leaves the platform while it still runs hand over first: the primary, its place in
 * etcd, its services, the Swarm. Let whatever shuts it out (the firewall of the others) depend on it. One
 * that does not run is left to {@link ObsoleteNodes}.
 */
export class LeavingNodes extends Component {
  constructor(name: string, args: LeavingNodesArgs, opts?: pulumi.ComponentResourceOptions) {
    const { managers, workers = [], etcd, postgres } = args;
    const all = [...managers, ...workers];
    new ArgsCheck(`LeavingNodes "${name}"`)
      .quorum(managers, "managers")
      .unique(
        all.map((host) => host.name),
        "managers and workers",
      )
      .done();
    super("trivet:swarm:LeavingNodes", name, opts);

    const lead = leadOf(managers);
    const services = [`${etcd}-${lead.name}`, `trivet-${etcd}`, `${postgres}-${lead.name}`];
    const script = {
      script: SCRIPT,
      args: [...services, ...all.map((host) => host.privateAddress)],
    };
    remoteScript(`${name}-handover`, lead, script, this);
    this.registerOutputs({});
  }
}
