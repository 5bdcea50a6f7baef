import { APPLICATION_PORTS } from "../core/ports";
import { byFamily } from "./cidr";

/** What {@link renderRules} needs. Everything is checked before it comes here. */
export interface RuleArgs {
  /** TCP port that sshd listens on. */
  readonly sshPort: number;
  /** Addresses and networks that may reach SSH. */
  readonly sshFrom: readonly string[];
  /** TCP ports open to everybody. */
  readonly publicPorts: readonly number[];
  /** Addresses of the platform's machines: they reach each other at every port. */
  readonly machines: readonly string[];
  /** Addresses that move between the machines. */
  readonly sharedAddresses: readonly string[];
  /** Further addresses and networks that may do so. */
  readonly extraPeers: readonly string[];
  /** Networks of docker_gwbridge, whose containers may reach the application ports of the machine. */
  readonly containerSubnets: readonly string[];
}

const BRIDGES = ['"docker0"', '"docker_gwbridge"', '"br-*"'];

/**
 * The nftables file. It replaces its own table in one transaction and touches no other, so it works
 * beside Docker's rules with either backend: a packet must be accepted by both.
 */
export function renderRules(args: RuleArgs): string {
  const blocks = [...sets(args), sshChain(args), inputChain(args), forwardChain(args)];
  return [
    "# Written by Trivet: changes made here are overwritten.",
    "table inet trivet",
    "delete table inet trivet",
    "table inet trivet {",
    blocks.map((block) => block.map((line) => `  ${line}`).join("\n")).join("\n\n"),
    "}",
  ].join("\n");
}

function sets(args: RuleArgs): string[][] {
  const { sshFrom, machines, sharedAddresses, extraPeers, containerSubnets } = args;
  const ssh = byFamily(sshFrom);
  const peers = byFamily([...machines, ...extraPeers]);
  return [
    set("ssh4", "ipv4_addr", ssh.v4),
    set("ssh6", "ipv6_addr", ssh.v6),
    set("machines4", "ipv4_addr", byFamily([...machines, ...sharedAddresses]).v4),
    set("peers4", "ipv4_addr", peers.v4),
    set("peers6", "ipv6_addr", peers.v6),
    set("containers4", "ipv4_addr", byFamily(containerSubnets).v4),
  ];
}

function set(name: string, type: string, entries: readonly string[]): string[] {
  const elements = [...new Set(entries.filter((entry) => !entry.endsWith("/0")))].sort();
  return [
    `set ${name} {`,
    `  type ${type}`,
    "  flags interval",
    "  auto-merge",
    ...(elements.length > 0 ? [`  elements = { ${elements.join(", ")} }`] : []),
    "}",
  ];
}

/**
 * Judged for every packet, of open sessions too. So whoever loads rules that shut him out notices at
 * once, and narrowing `sshFrom` ends the sessions that it no longer allows.
 */
function sshChain({ sshFrom }: RuleArgs): string[] {
  const everyone = (family: "v4" | "v6") =>
    byFamily(sshFrom)[family].some((entry) => entry.endsWith("/0"));
  return [
    "chain ssh {",
    everyone("v4") ? "  meta nfproto ipv4 accept" : "  ip saddr @ssh4 accept",
    everyone("v6") ? "  meta nfproto ipv6 accept" : "  ip6 saddr @ssh6 accept",
    "  ip saddr @peers4 accept",
    "  ip6 saddr @peers6 accept",
    "  drop",
    "}",
  ];
}

function inputChain({ sshPort, publicPorts }: RuleArgs): string[] {
  return [
    "chain input {",
    "  type filter hook input priority filter; policy drop;",
    '  iifname "lo" accept',
    `  tcp dport ${sshPort} goto ssh`,
    "  ct state established,related accept",
    "  ct state invalid drop",
    "  icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept",
    "  icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
    "  icmpv6 type { echo-request, mld-listener-query } accept",
    "  icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept",
    "  meta nfproto ipv4 udp sport 67 udp dport 68 accept",
    "  ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
    ...(publicPorts.length > 0 ? [`  tcp dport { ${portSet(publicPorts)} } accept`] : []),
    "  ip saddr @peers4 accept",
    "  ip6 saddr @peers6 accept",
    `  iifname "docker_gwbridge" ip saddr @containers4 tcp dport { ${portSet(APPLICATION_PORTS)} } accept`,
    "}",
  ];
}

/**
 * The sender of what a container sends to another machine is seen there as the machine, and so could
 * reach every port: the limit is set where it leaves.
 */
function forwardChain({ publicPorts }: RuleArgs): string[] {
  const dnat = "meta l4proto tcp ct status dnat ct original proto-dst";
  const allowed = portSet([...APPLICATION_PORTS, ...publicPorts]);
  return [
    "chain forward {",
    "  type filter hook forward priority filter; policy drop;",
    "  ct state established,related accept",
    "  ct state invalid drop",
    ...(publicPorts.length > 0 ? [`  ${dnat} { ${portSet(publicPorts)} } accept`] : []),
    "  ct status dnat ip saddr @peers4 accept",
    "  ct status dnat ip6 saddr @peers6 accept",
    `  ip daddr @machines4 tcp dport != { ${allowed} } drop`,
    "  ip daddr @machines4 meta l4proto != tcp drop",
    ...BRIDGES.map((bridge) => `  iifname ${bridge} accept`),
    "}",
  ];
}

function portSet(ports: readonly number[]): string {
  return [...new Set(ports)].sort((a, b) => a - b).join(", ");
}
