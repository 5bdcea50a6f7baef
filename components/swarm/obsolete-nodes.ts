import type * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { swarmMembers, tidyNodes } from "./nodes";

/** Arguments of {@link ObsoleteNodes}. */
export interface ObsoleteNodesArgs {
  /** The Swarm's managers, as {@link Swarm} has them. */
  managers: readonly Host[];
  /** Its other machines. @default [] */
  workers?: readonly Host[];
  /** What the Swarm found, so that they are looked for again; see {@link Swarm.obsoleteNodes}. */
  found: pulumi.Input<string>;
}

/**
 * Drains and removes the Swarm's nodes that are no machines of the platform any more. Let it depend on
 * the etcd cluster, which would lose its majority with machines that it still counts, and let all else
 * depend on it: a Postgres primary that has to go hands over when its node is drained.
 */
export class ObsoleteNodes extends Component {
  constructor(name: string, args: ObsoleteNodesArgs, opts?: pulumi.ComponentResourceOptions) {
    const { managers, workers = [] } = args;
    new ArgsCheck(`ObsoleteNodes "${name}"`)
      .quorum(managers, "managers")
      .unique(
        [...managers, ...workers].map((host) => host.name),
        "managers and workers",
      )
      .done();
    super("trivet:swarm:ObsoleteNodes", name, opts);

    tidyNodes(`${name}-removed`, swarmMembers(managers, workers), "obsolete", this, {
      after: [args.found],
    });
    this.registerOutputs({});
  }
}
