import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { ArgsCheck } from "../core/args-check";
import { Component, waitsFor } from "../core/component";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import { leadOf } from "../core/host";
import type { RemoteRun } from "../core/remote-script";
import { readScript, remoteScript } from "../core/remote-script";
import { OWNER_LABEL, removeLeftovers } from "./leftovers";
import type { SwarmMember } from "./nodes";
import { swarmMembers, tidyNodes } from "./nodes";

/** Addresses of the Swarm's networks. None may hold a machine's own address. */
export interface SwarmNetworkArgs {
  /** IPv4 subnet of the application's overlay network, /20 or larger. @default "10.213.0.0/20" */
  overlaySubnet?: string;
  /** IPv4 subnet of the bridge from containers to their own machine. @default "10.212.0.0/24" */
  gatewaySubnet?: string;
  /** Pool for networks that name no subnet, Swarm's ingress among them. @default "10.214.0.0/16" */
  addressPool?: string;
  /** Largest packet of the overlay. Bytes, 576 to 1400: VXLAN takes 50, clouds up to 50. @default 1400 */
  mtu?: number;
  /** IPsec between machines; needs ESP in the kernel. @default false */
  encrypted?: boolean;
}

/** Arguments of {@link Swarm}. */
export interface SwarmArgs {
  /** One, three or five machines that hold the Swarm's state. The first one starts it. */
  managers: readonly Host[];
  /** Machines that run containers only. @default [] */
  workers?: readonly Host[];
  network?: SwarmNetworkArgs;
}

/** The one place these defaults live; a test compares them with the @default tags above. */
export const SWARM_NETWORK_DEFAULTS: Required<SwarmNetworkArgs> = {
  overlaySubnet: "10.213.0.0/20",
  gatewaySubnet: "10.212.0.0/24",
  addressPool: "10.214.0.0/16",
  mtu: 1400,
  encrypted: false,
};

/** What services need to know of the Swarm that runs them. */
export interface SwarmHandle {
  /** The Docker provider that talks to a manager. */
  readonly provider: docker.Provider;
  /** Identity of the overlay network that applications share. */
  readonly network: pulumi.Output<string>;
  /** Address at which a container reaches its own machine. */
  readonly gatewayAddress: string;
  /**
   * Value of the label that everything of this stack carries in the Swarm: what an interrupted update
   * leaves is found by it. Without one, nothing is labelled, and nothing removed.
   */
  readonly owner?: pulumi.Output<string>;
}

const SCRIPTS = {
  gateway: readScript(__dirname, "gateway.sh"),
  init: readScript(__dirname, "init.sh"),
  join: readScript(__dirname, "join.sh"),
};

/** Docker Swarm on the given machines, with the applications' overlay network. */
export class Swarm extends Component implements SwarmHandle {
  readonly provider: docker.Provider;
  readonly network: pulumi.Output<string>;
  readonly gatewayAddress: string;
  readonly owner: pulumi.Output<string>;
  /** Identities of nodes that are no machines of the platform any more; {@link ObsoleteNodes} removes them. */
  readonly obsoleteNodes: pulumi.Output<string>;

  constructor(name: string, args: SwarmArgs, opts?: pulumi.ComponentResourceOptions) {
    const { managers, workers, network } = resolveArgs(name, args);
    super("trivet:swarm:Swarm", name, opts);

    const lead = leadOf(managers);
    const members = swarmMembers(managers, workers);
    const gateways = members.map(({ host }) => this.createGateway(name, host, network));
    const tokens = this.start(name, lead, managers, network, gateways);
    const joined = members.map((member) => this.join(name, member, managers, tokens));
    const nodes = tidyNodes(`${name}-nodes`, members, "replaced", this, { dependsOn: joined });
    this.obsoleteNodes = nodes.stdout;
    this.owner = new random.RandomId(`${name}-owner`, { byteLength: 8 }, { parent: this }).hex;
    this.provider = this.connect(name, lead, nodes);
    this.network = this.createOverlay(name, network, nodes);
    this.gatewayAddress = firstAddress(network.gatewaySubnet);
    this.registerOutputs({ network: this.network });
  }

  private createGateway(name: string, host: Host, network: Required<SwarmNetworkArgs>): RemoteRun {
    const { gatewaySubnet } = network;
    const args = [gatewaySubnet, firstAddress(gatewaySubnet)];
    const script = { script: SCRIPTS.gateway, args };
    return remoteScript(`${name}-${host.name}-gateway`, host, script, this);
  }

  /** Prints what the others need to join. */
  private start(
    name: string,
    lead: Host,
    managers: readonly Host[],
    network: Required<SwarmNetworkArgs>,
    dependsOn: RemoteRun[],
  ): RemoteRun {
    const script = {
      script: SCRIPTS.init,
      args: [
        lead.name,
        lead.privateAddress,
        network.addressPool,
        ...managers.map((m) => m.privateAddress),
      ],
      secretOutput: true,
      dependsOn,
    };
    return remoteScript(`${name}-init`, lead, script, this);
  }

  private join(
    name: string,
    { host, role }: SwarmMember,
    managers: readonly Host[],
    tokens: RemoteRun,
  ): RemoteRun {
    const script = {
      script: SCRIPTS.join,
      args: [
        host.name,
        host.privateAddress,
        role,
        host.removedNode ?? "none",
        ...managers.map((manager) => manager.privateAddress),
      ],
      stdin: pulumi.interpolate`${tokens.stdout}\n`,
      // What it did once may be undone.
      after: host.isDetached === true ? ["anew"] : [],
    };
    return remoteScript(`${name}-${host.name}-join`, host, script, this);
  }

  /** The address is given out only once the Swarm is up and tidy: the provider dials as soon as it has one. */
  private connect(name: string, manager: Host, nodes: RemoteRun): docker.Provider {
    const { host: address, sshOpts } = manager.docker;
    const host = pulumi
      .all([address, sshOpts, this.owner, nodes.id])
      .apply(async ([to, options, owner]) => {
        if (!pulumi.runtime.isDryRun())
          await removeLeftovers({ address: to, options }, owner, this);
        return to;
      });
    const args = { host, sshOpts: manager.docker.sshOpts, disableDockerDaemonCheck: true };
    return new docker.Provider(`${name}-provider`, args, { parent: this, dependsOn: nodes });
  }

  private createOverlay(
    name: string,
    network: Required<SwarmNetworkArgs>,
    dependsOn: RemoteRun,
  ): pulumi.Output<string> {
    const overlay = new docker.Network(
      `${name}-overlay`,
      {
        name: "trivet",
        driver: "overlay",
        attachable: true,
        labels: [{ label: OWNER_LABEL, value: this.owner }],
        ipamConfigs: [{ subnet: network.overlaySubnet }],
        options: {
          [MTU_OPTION]: String(network.mtu),
          ...(network.encrypted && { encrypted: "true" }),
        },
      },
      {
        parent: this,
        provider: this.provider,
        dependsOn: waitsFor(this, dependsOn),
        // Swarm adds its VXLAN number and a gateway to them. Taken for a change, that would replace the
        // network, and with it every service.
        ignoreChanges: ["options", "ipamConfigs", "labels"],
      },
    );
    return pulumi
      .all([overlay.id, overlay.options, overlay.ipamConfigs])
      .apply(([id, options, ipamConfigs]) => {
        checkUnchanged(name, network, options, ipamConfigs[0]?.subnet);
        return id;
      });
  }
}

/** The first address of an IPv4 subnet: the bridge's own. */
export function firstAddress(subnet: string): string {
  const [address = "", prefix = "32"] = subnet.split("/");
  const bits = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(bits / size) * size + 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".");
}

const MTU_OPTION = "com.docker.network.driver.mtu";

/** A network cannot be changed while services use it, so a change is refused before it does harm. */
function checkUnchanged(
  name: string,
  network: Required<SwarmNetworkArgs>,
  options: Record<string, string>,
  subnet: string = network.overlaySubnet,
): void {
  const found = options[MTU_OPTION] ?? String(network.mtu);
  new ArgsCheck(`Swarm "${name}"`)
    .that(
      subnet === network.overlaySubnet,
      "network.overlaySubnet",
      `is ${network.overlaySubnet}, but the network was made with ${subnet} and cannot be changed: set it back`,
    )
    .that(
      found === String(network.mtu),
      "network.mtu",
      `is ${network.mtu}, but the network was made with ${found} and cannot be changed: set it back`,
    )
    .that(
      "encrypted" in options === network.encrypted,
      "network.encrypted",
      `is ${network.encrypted}, but the network was made otherwise and cannot be changed: set it back`,
    )
    .done();
}

function resolveArgs(name: string, args: SwarmArgs) {
  const { managers, workers = [] } = args;
  const network = withDefaults(SWARM_NETWORK_DEFAULTS, args.network);
  const subnets = ["overlaySubnet", "gatewaySubnet", "addressPool"] as const;
  const check = new ArgsCheck(`Swarm "${name}"`)
    .quorum(managers, "managers")
    .unique(
      [...managers, ...workers].map((host) => host.name),
      "managers and workers",
    )
    .integer(network.mtu, "network.mtu", 576, 1400);
  for (const key of subnets) {
    check.that(
      /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(network[key]),
      `network.${key}`,
      `is ${JSON.stringify(network[key])}, must be an IPv4 subnet like ${SWARM_NETWORK_DEFAULTS[key]}`,
    );
  }
  check
    .that(
      Number(network.overlaySubnet.split("/")[1]) <= 20,
      "network.overlaySubnet",
      "must be /20 or larger: each task takes an address, also while it is replaced",
    )
    .done();
  return { managers, workers, network };
}
