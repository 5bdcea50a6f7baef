import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { firstOf } from "./collections";
import { waitsFor } from "./component";

/** How the Docker provider reaches the daemon of a machine: the system's ssh, never a TCP port. */
export interface DockerEndpoint {
  /** `ssh://user@address:port`. */
  readonly host: pulumi.Input<string>;
  /** Options for ssh: identity, known_hosts. Host keys are always verified. */
  readonly sshOpts: pulumi.Input<pulumi.Input<string>[]>;
}

/**
 * Any machine that can be reached over SSH, wherever it comes from. This contract is all that
 * components know of a machine; `components/hosts/` is the only place that knows a cloud.
 */
export interface Host {
  /** Stable name, a DNS label. Resources, labels and cluster members carry it. */
  readonly name: string;
  /** How remote commands reach it. The user is root or may use sudo without a password. */
  readonly connection: pulumi.Input<types.input.remote.ConnectionArgs>;
  /** Address that users reach, IPv4 or IPv6. */
  readonly publicAddress: pulumi.Input<string>;
  /** IPv4 address that the platform's other machines reach. */
  readonly privateAddress: pulumi.Input<string>;
  readonly docker: DockerEndpoint;
  /** The cloud's resource behind it, if there is one: what lives on the machine goes with it. */
  readonly machine?: pulumi.Resource;
  /** What stands for it in the stack: once that goes, nothing is tidied up on the machine any more. */
  readonly resource?: pulumi.Resource;
  /**
   * Set while nobody can sign in to it: what it has stays as it is, what it has not is left out, and
   * the first update that reaches it brings it level.
   */
  readonly away?: Away;
  /** Was no part of the platform at the last update, so it leads nothing in this one. @default false */
  readonly isNew?: boolean;
  /**
   * Was on its way out of the platform, is in no Swarm, manages none although it should, or was removed from it: it leads
   * nothing in this update, which gives it back what it had. @default false
   */
  readonly isDetached?: boolean;
  /**
   * Identity of a node of the platform's Swarm that its Docker still takes itself for, and that the managers have
   * removed: it gives that up before it joins anew.
   */
  readonly removedNode?: string;
  /** Has the primary of the database at the moment, so what restarts there restarts last. @default false */
  readonly hasPrimary?: boolean;
}

/** What is known of a machine that cannot be asked. */
export interface Away {
  /** Resources of the stack's state, as `type::name`. */
  readonly known: ReadonlySet<string>;
}

/** The machine that cluster-wide work runs on: the first that can be reached, was there before, and has its part. */
export function leadOf(hosts: readonly Host[]): Host {
  const reachable = hosts.filter(({ away }) => away === undefined);
  const former = reachable.filter(({ isNew }) => isNew !== true);
  const [lead] = [former.filter(({ isDetached }) => isDetached !== true), former, reachable].flat();
  return lead ?? firstOf(hosts);
}

/**
 * Whether a cluster on these machines can spare no further member, since one is out of reach: what runs of it stays as it is
 * until that one answers.
 */
export function isShort(hosts: readonly Host[]): boolean {
  return hosts.some(({ away }) => away !== undefined);
}

/** Whether a resource has to be left out for now: its machine is out of reach and has never had it. */
export function isLeftOut({ away }: Host, type: string, name: string): boolean {
  return away !== undefined && !away.known.has(`${type}::${name}`);
}

/** What stands in the plan for a resource that a machine out of reach gets later. */
export class LeftOut extends pulumi.ComponentResource {
  readonly id = pulumi.output("");
  readonly stdout = pulumi.output("");

  constructor(name: string, parent: pulumi.Resource) {
    super("trivet:core:LeftOut", name, {}, { parent });
    this.registerOutputs({});
  }
}

/** Options for a resource that lives on `host` and goes with it. */
export function onHost(
  host: Host,
  parent: pulumi.Resource,
  dependsOn?: pulumi.CustomResourceOptions["dependsOn"],
): pulumi.CustomResourceOptions {
  return {
    parent,
    dependsOn: waitsFor(parent, dependsOn),
    ...(host.machine && { deletedWith: host.machine }),
    ...(host.away && { ignoreChanges: ["*"] }),
  };
}
