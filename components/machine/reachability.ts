import { ArgsCheck } from "../core/args-check";
import type { Host } from "../core/host";
import { PORTS } from "../core/ports";
import { asRoot, renderInput } from "../core/remote-script";
import { lastLine, runOverSsh, targetOf, valueOf } from "../core/ssh";
import { checkHosts, machineScript } from "./shared";

/** Arguments of {@link findUnreachable}. */
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
  readonly name: string;
  readonly host: Host;
  readonly address: string;
  readonly role: ReachabilityRole;
}

const SCRIPTS = {
  listen: machineScript("reachability-lib.sh", "reachability-listen.sh"),
  connect: machineScript("reachability-connect.sh"),
  close: machineScript("reachability-lib.sh", "reachability-close.sh"),
};

/** Of one machine: every port of every other one. Characters. */
const MOST_SAID = 10_000;
/** Longest time for one of the three steps on a machine. Below what a listener listens for. Seconds. */
const STEP_SECONDS = 60;

/**
 * Lets every machine try the ports that it needs at the others, over the system's ssh: each listens for
 * a moment where nobody does yet, all connect, and the ports are given back. A firewall of the
 * platform's own lets the machines in meanwhile. Changes nothing else, so it may run before anything is
 * made. A machine alone tries nothing.
 *
 * @returns What is wrong with a machine, by its name; nothing where all reach all.
 * @throws InvalidArgsError for two machines of one name.
 */
export async function findUnreachable(args: ReachabilityArgs): Promise<Record<string, string>> {
  const peers = await resolveArgs(args);
  if (peers.length < 2) return {};
  try {
    const listening = await onEach(peers, (peer) =>
      runScript(peer, SCRIPTS.listen, listen(peer, peers)),
    );
    if (Object.keys(listening.problems).length > 0) return listening.problems;
    const tried = await onEach(peers, (peer) =>
      runScript(peer, SCRIPTS.connect, connect(peer, peers, listening.printed)),
    );
    return tried.problems;
  } finally {
    await onEach(peers, (peer) => runScript(peer, SCRIPTS.close, []));
  }
}

function listen({ name, address, role }: Peer, peers: readonly Peer[]): string[] {
  const { tcp, udp } = portsBetween("core", role);
  return [name, address, tcp.join(), udp.join(), peers.map((peer) => peer.address).join()];
}

function connect(
  { name, role }: Peer,
  peers: readonly Peer[],
  held: Readonly<Record<string, string>>,
): string[] {
  const others = peers.filter((peer) => peer.name !== name);
  return [
    name,
    ...others.flatMap((other) => {
      const { tcp, udp } = portsBetween(role, other.role);
      return [other.name, other.address, tcp.join(), udp.join(), held[other.name] ?? ""];
    }),
  ];
}

interface Ran {
  readonly printed: string;
  readonly problem?: string;
}

async function runScript({ name, host }: Peer, script: string, args: string[]): Promise<Ran> {
  const input = renderInput(script, args);
  const target = await targetOf(host);
  const { code, stdout, stderr } = await runOverSsh(
    target,
    asRoot("trivet-reachability"),
    STEP_SECONDS,
    input,
  );
  if (code === 0) return { printed: stdout.trim() };
  const said = code === null ? `no answer within ${STEP_SECONDS} s` : lastLine(stderr, MOST_SAID);
  const start = `${name}: `;
  return {
    printed: "",
    problem: said.startsWith(start) ? said.slice(start.length) : `cannot try ports (${said})`,
  };
}

/** On all at a time. */
async function onEach(peers: readonly Peer[], run: (peer: Peer) => Promise<Ran>) {
  const ran = await Promise.all(peers.map(async (peer) => ({ peer, ...(await run(peer)) })));
  const printed = Object.fromEntries(ran.map((one) => [one.peer.name, one.printed]));
  const problems = Object.fromEntries(
    ran.flatMap(({ peer, problem }) => (problem === undefined ? [] : [[peer.name, problem]])),
  );
  return { printed, problems };
}

async function resolveArgs({ core, app = [] }: ReachabilityArgs): Promise<Peer[]> {
  const hosts = [...core, ...app];
  checkHosts(new ArgsCheck("findUnreachable"), hosts).nonEmpty(core, "core").done();
  return await Promise.all(
    hosts.map(async (host, i) => ({
      name: host.name,
      host,
      address: await valueOf(host.privateAddress),
      role: i < core.length ? "core" : "app",
    })),
  );
}
