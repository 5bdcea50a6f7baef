import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { PORTS } from "../core/ports";
import type { RemoteRun } from "../core/remote-script";
import { remoteScript } from "../core/remote-script";
import { checkHosts, machineScript } from "./shared";

/** Arguments of {@link Reachability}. */
export interface ReachabilityArgs {
  /** Machines that hold the Swarm's state and the data. At least one. */
  core: readonly Host[];
  /** Machines that run containers only. @default [] */
  app?: readonly Host[];
}

/** What a machine is to the others. */
export type ReachabilityRole = "core" | "app";

/** Ports by protocol. */
export interface ReachabilityPorts {
  readonly tcp: readonly number[];
  readonly udp: readonly number[];
}

const BETWEEN_ALL: ReachabilityPorts = {
  tcp: [PORTS.swarmGossip],
  udp: [PORTS.swarmOverlay, PORTS.swarmGossip],
};
const FROM_ALL_TO_CORE = [PORTS.swarmManagement, PORTS.postgres, PORTS.patroni, PORTS.valkey];
const BETWEEN_CORE = [PORTS.etcdClient, PORTS.etcdPeer, PORTS.sentinel];

/** The ports that a machine has to reach at another one. */
export function portsBetween(from: ReachabilityRole, to: ReachabilityRole): ReachabilityPorts {
  const toCore = to === "core" ? FROM_ALL_TO_CORE : [];
  const betweenCore = from === "core" && to === "core" ? BETWEEN_CORE : [];
  const tcp = [...BETWEEN_ALL.tcp, ...toCore, ...betweenCore].sort((a, b) => a - b);
  return { tcp, udp: BETWEEN_ALL.udp };
}

interface Peer {
  readonly host: Host;
  readonly role: ReachabilityRole;
}

const SCRIPTS = {
  listen: machineScript("reachability-lib.sh", "reachability-listen.sh"),
  connect: machineScript("reachability-connect.sh"),
  close: machineScript("reachability-lib.sh", "reachability-close.sh"),
};

/**
 * Lets every machine try the ports that it needs at the others, before anything there depends on them:
 * each listens for a moment where nobody does yet, all connect, and the ports are given back. Whatever
 * cannot be reached is named with the port. A machine alone tries nothing. Machines try again when
 * one comes, goes or changes its address, and not while one is away: then it is tried with the others
 * by the first update that reaches it.
 */
export class Reachability extends Component {
  constructor(name: string, args: ReachabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    const peers = resolveArgs(name, args);
    super("trivet:machine:Reachability", name, opts);

    if (peers.length > 1) this.tryAll(name, peers);
    this.registerOutputs({});
  }

  private tryAll(name: string, peers: readonly Peer[]): void {
    const listening = peers.map((peer) => this.listen(name, peer, peers));
    const tried = peers.map((peer) => this.connect(name, peer, peers, listening));
    peers.forEach(({ host }, i) => {
      const args = [listening[i]?.stdout ?? ""];
      const script = { script: SCRIPTS.close, args, dependsOn: tried };
      remoteScript(`${name}-${host.name}-close`, host, script, this);
    });
  }

  /** All listen anew when one of them changes: what a listener prints is what the others go by. */
  private listen(name: string, { host, role }: Peer, peers: readonly Peer[]): RemoteRun {
    const { tcp, udp } = portsBetween("core", role);
    const others = pulumi
      .all(peers.map((peer) => peer.host.privateAddress))
      .apply((addresses) => addresses.map((a, i) => `${a}=${peers[i]?.role ?? ""}`).join(","));
    const args = [host.name, host.privateAddress, tcp.join(), udp.join(), others];
    return remoteScript(
      `${name}-${host.name}-listen`,
      host,
      { script: SCRIPTS.listen, args },
      this,
    );
  }

  private connect(
    name: string,
    { host, role }: Peer,
    peers: readonly Peer[],
    listening: readonly RemoteRun[],
  ): RemoteRun {
    const others = peers.flatMap((other, i) => {
      if (other.host === host) return [];
      const { tcp, udp } = portsBetween(role, other.role);
      const said = listening[i]?.stdout ?? "";
      return [other.host.name, other.host.privateAddress, tcp.join(), udp.join(), said];
    });
    const args = [host.name, ...others];
    const script = { script: SCRIPTS.connect, args, dependsOn: [...listening] };
    return remoteScript(`${name}-${host.name}-connect`, host, script, this);
  }
}

function resolveArgs(name: string, { core, app = [] }: ReachabilityArgs): Peer[] {
  const hosts = [...core, ...app];
  checkHosts(new ArgsCheck(`Reachability "${name}"`), hosts)
    .nonEmpty(core, "core")
    .done();
  // While one is away nobody tries anything, but everything stays known.
  const away = hosts.find((host) => host.away !== undefined)?.away;
  return hosts.map((host, i) => ({
    host: away === undefined ? host : asAway(host, away),
    role: i < core.length ? "core" : "app",
  }));
}

/** Field by field: a host may be an object of a class. */
function asAway(host: Host, away: NonNullable<Host["away"]>): Host {
  return {
    name: host.name,
    connection: host.connection,
    publicAddress: host.publicAddress,
    privateAddress: host.privateAddress,
    docker: host.docker,
    ...(host.machine && { machine: host.machine }),
    away,
  };
}
