import { isIPv4 } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import { remoteScript } from "../core/remote-script";
import { isAddressOrCidr, isCidr4 } from "./cidr";
import { renderRules } from "./rules";
import { checkHosts, machineScript, perHost } from "./shared";

/** Who may come in. */
export interface FirewallSettings {
  /** TCP port that sshd listens on, 1 to 65535. @default 22 */
  sshPort?: number;
  /** Machines whose sshd listens on another port, by name. @default {} */
  sshPorts?: Readonly<Record<string, number>>;
  /** Addresses and networks that may reach SSH, IPv4 and IPv6. @default ["0.0.0.0/0", "::/0"] */
  sshFrom?: readonly string[];
  /** TCP ports open to everybody, also those of containers. @default [80, 443] */
  publicPorts?: readonly number[];
  /**
   * Addresses and networks that may reach every port, besides the machines themselves: for example
   * a monitoring server. @default []
   */
  extraPeers?: readonly string[];
  /**
   * Networks of docker_gwbridge, IPv4: from there application containers reach the router, the pooler
   * and the cache of the machine that they run on. @default ["10.212.0.0/24"]
   */
  containerSubnets?: readonly string[];
  /**
   * Addresses that move between the machines, IPv4: to containers they are as closed as the machines'
   * own. @default []
   */
  sharedAddresses?: readonly string[];
}

/** Arguments of {@link Firewall}. */
export interface FirewallArgs extends FirewallSettings {
  /** Machines that get the firewall, and may reach each other. At least one, names distinct. */
  hosts: readonly Host[];
}

/** The one place these defaults live. */
export const FIREWALL_DEFAULTS: Required<FirewallSettings> = {
  sshPort: 22,
  sshPorts: {},
  sshFrom: ["0.0.0.0/0", "::/0"],
  publicPorts: [80, 443],
  extraPeers: [],
  containerSubnets: ["10.212.0.0/24"],
  sharedAddresses: [],
};

/**
 * Nothing comes in but SSH, the public ports and the platform's own machines; ports that Docker
 * publishes are no exception. The rules are a table of their own in nftables: Docker's restart does
 * not touch them, and they are loaded before the network at every boot.
 *
 * Rules that would shut out their own author are withdrawn: loading them proves, on the connection
 * that is open, that SSH still gets through; a second connection then makes them permanent. Without it
 * they go away after 60 seconds. Nothing is removed with the resource, so that taking a platform away
 * opens no machine; by hand: `systemctl disable trivet-firewall; nft delete table inet trivet`.
 */
export class Firewall extends Component {
  /** The rules in force, by the machine's name; known once they are. */
  readonly rules: Readonly<Record<string, pulumi.Output<string>>>;

  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    const { hosts, settings } = resolveArgs(name, args);
    super("trivet:machine:Firewall", name, opts);

    const script = machineScript("firewall.sh");
    const machines = pulumi
      .all(hosts.map((host) => host.privateAddress))
      .apply((addresses) => checkMachines(name, addresses));
    this.rules = perHost(hosts, (host) => {
      const sshPort = settings.sshPorts[host.name] ?? settings.sshPort;
      const rules = machines.apply((known) =>
        renderRules({ ...settings, sshPort, machines: known }),
      );
      const run = (mode: "stage" | "confirm", dependsOn: pulumi.Resource[]) => {
        const call = { script, args: [mode, host.name, String(sshPort), rules], dependsOn };
        return remoteScript(`${name}-${host.name}-${mode}`, host, call, this);
      };
      const confirmed = run("confirm", [run("stage", [])]);
      return pulumi.all([rules, confirmed.stdout]).apply(([text]) => text);
    });
    this.registerOutputs({ rules: this.rules });
  }
}

function resolveArgs(name: string, { hosts, ...given }: FirewallArgs) {
  const settings = withDefaults(FIREWALL_DEFAULTS, given);
  const { sshPort, sshFrom, publicPorts, extraPeers, containerSubnets } = settings;
  const check = checkHosts(new ArgsCheck(`Firewall "${name}"`), hosts)
    .port(sshPort, "sshPort")
    .nonEmpty(sshFrom, "sshFrom")
    .that(
      !publicPorts.includes(sshPort),
      "publicPorts",
      `has ${sshPort}, sshPort: give sshFrom instead`,
    );
  for (const [machine, port] of Object.entries(settings.sshPorts)) {
    check
      .port(port, `sshPorts.${machine}`)
      .that(
        !publicPorts.includes(port),
        "publicPorts",
        `has ${port}, sshPorts.${machine}: give sshFrom instead`,
      );
  }
  publicPorts.forEach((port, i) => check.port(port, `publicPorts[${i}]`));
  checkNetworks(check, sshFrom, "sshFrom");
  checkNetworks(check, extraPeers, "extraPeers");
  for (const [i, entry] of extraPeers.entries()) {
    check.that(
      !entry.endsWith("/0"),
      `extraPeers[${i}]`,
      `is ${entry}, would let everybody in everywhere`,
    );
  }
  for (const [i, entry] of settings.sharedAddresses.entries()) {
    check.that(
      isIPv4(entry),
      `sharedAddresses[${i}]`,
      `is ${JSON.stringify(entry)}, must be an IPv4 address`,
    );
  }
  for (const [i, entry] of containerSubnets.entries()) {
    const reason = `is ${JSON.stringify(entry)}, must be like 10.212.0.0/24`;
    check.that(isCidr4(entry) && !entry.endsWith("/0"), `containerSubnets[${i}]`, reason);
  }
  check.done();
  return { hosts, settings };
}

function checkNetworks(check: ArgsCheck, entries: readonly string[], path: string): void {
  for (const [i, entry] of entries.entries()) {
    const reason = `is ${JSON.stringify(entry)}, must be an address or a network like 203.0.113.0/24`;
    check.that(isAddressOrCidr(entry), `${path}[${i}]`, reason);
  }
}

/** Addresses of machines are known only when the machines are. */
function checkMachines(name: string, machines: readonly string[]): readonly string[] {
  const check = new ArgsCheck(`Firewall "${name}"`);
  for (const [i, entry] of machines.entries()) {
    const ok = isAddressOrCidr(entry) && !entry.includes("/");
    check.that(ok, `hosts[${i}].privateAddress`, `is ${JSON.stringify(entry)}, must be an address`);
  }
  check.done();
  return machines;
}
