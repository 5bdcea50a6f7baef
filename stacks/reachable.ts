import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../components/core/host";
import { PlainError } from "../components/core/plain-error";
import type { StateResource } from "../components/core/stack-state";
import { findUnreachable } from "../components/machine/reachability";
import { isNew, marked, mayBeAway, sayAway } from "./away";
import type { PlatformConfig } from "./config";
import type { Machines } from "./machines";
import type { Finding, MachineState } from "./probe";
import { probeMachines } from "./probe";
import { labelOf, refusals } from "./refusals";
import type { Previous } from "./transitions";

/** Machines that cannot be used, all at once. */
export class UnusableMachinesError extends PlainError {
  constructor(readonly problems: readonly string[]) {
    super(
      [
        "Some machines cannot be used. Nothing was changed:",
        ...problems.map((problem) => `  - ${problem}`),
      ].join("\n"),
    );
    this.name = "UnusableMachinesError";
  }
}

/**
 * Signs in to every machine before anything is made, so that what is wrong with one, or with all of
 * them together, is said once, with what to do. A silent one that was part of the platform is gone round while most core machines
 * answer. Where one is new, those that answer try each other's ports as well. Previews ask nobody: they may run where no machine
 * can be reached.
 *
 * @returns The machines, with a mark on those that are out of reach or new, and on the primary's.
 * @throws UnusableMachinesError that lists every machine that cannot be used.
 */
export async function checkReachable(
  config: PlatformConfig,
  machines: Machines,
  previous: Previous | undefined,
  state: Readonly<Record<string, StateResource>>,
): Promise<Machines> {
  if (pulumi.runtime.isDryRun()) return marked(machines, config, [], previous, state);
  const findings = await probeMachines(machines.all);
  const away = mayBeAway(config, findings, previous);
  const isFounded = Object.keys(state).some((urn) => urn.endsWith("::etcd-found"));
  const others = Object.entries(findings).filter(([name]) => !away.includes(name));
  const problems = [
    ...unusable(config, Object.fromEntries(others)),
    ...refusals({ config, findings, previous, away, isFounded }),
  ];
  if (problems.length > 0) throw new UnusableMachinesError(problems);
  const checked = marked(machines, config, away, previous, state, findings);
  if (isPortTrialDue(config, previous)) await checkPorts(config, checked);
  await sayAway(config, away, findings);
  return checked;
}

/** Until the first update with a machine has come to its end, or with its present role, it may lack a way to others. */
export function isPortTrialDue(config: PlatformConfig, previous: Previous | undefined): boolean {
  return Object.entries(config.machines).some(
    ([name, { role }]) =>
      previous === undefined ||
      isNew(config, name, previous) ||
      previous.machines[name]?.role !== role,
  );
}

async function checkPorts(config: PlatformConfig, { core, app }: Machines): Promise<void> {
  const answering = (hosts: readonly Host[]) => hosts.filter(({ away }) => away === undefined);
  const found = await findUnreachable({ core: answering(core), app: answering(app) });
  const problems = Object.entries(found).map(
    ([name, problem]) => `${labelOf(config, name)}: ${problem}`,
  );
  if (problems.length > 0) throw new UnusableMachinesError(problems);
}

/** What is wrong with each machine that cannot be used, and what to do about it. */
export function unusable(
  config: PlatformConfig,
  findings: Readonly<Record<string, Finding>>,
): string[] {
  return Object.entries(findings).flatMap(([name, { state, said }]) => {
    const { [name]: machine } = config.machines;
    if (state === "answers" || machine === undefined) return [];
    const path = `trivet:machines.${name}`;
    const advice = ADVICE[state]({ path, said, key: keySetting(config), ...machine });
    return [`${labelOf(config, name)}: ${advice}`];
  });
}

interface Known {
  /** Where the machine stands in the configuration. */
  path: string;
  said: string;
  /** The setting that says which key we sign in with. */
  key: string;
  address: string;
  port: number;
  user: string;
  hostKey: string;
}

const ADVICE: Readonly<Record<Exclude<MachineState, "answers">, (known: Known) => string>> = {
  silent: ({ path, said }) =>
    `does not answer (${said}). Start it, mend ${path}.address or port, or let this machine through the firewalls between`,
  otherHostKey: ({ path, said, address, port, hostKey }) => {
    const [, type = ""] = /^(?:ssh-)?(ed25519|rsa|ecdsa)/.exec(hostKey) ?? [];
    const scan = `ssh-keyscan -t ${type} -p ${port} ${address}`;
    const shown = said === "" ? "another host key" : `another host key (${said})`;
    return `shows ${shown} than ${path}.hostKey. If the machine was made anew, compare \`${scan}\` with what its provider shows and put that there; if not, somebody may be in between`;
  },
  loginRefused: ({ path, said, key, user }) =>
    `does not let ${user} in with the key of ${key} (${said}). Add its public key to ~${user}/.ssh/authorized_keys there, or mend ${path}.user or ${key}`,
  notRoot: ({ path, said, user }) =>
    `lets ${user} in, but not be root (${said}). Let ${user} use sudo without a password, or mend ${path}.user`,
  failed: ({ path, said }) => `cannot be signed in to (${said}). Mend it, or ${path}`,
};

function keySetting({ ssh }: PlatformConfig): string {
  if (ssh.privateKey !== undefined) return "trivet:ssh.privateKey";
  return ssh.privateKeyPath === undefined ? "trivet:ssh.agent" : "trivet:ssh.privateKeyPath";
}
