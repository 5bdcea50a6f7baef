import type { types } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
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
  };
}
