import type { PlatformConfig } from "./config";
import { isNew } from "./away";
import type { Finding } from "./probe";
import type { Report, SwarmReport } from "./report";
import type { Previous } from "./transitions";
import { coreOf, stayedCore } from "./transitions";

/** What is known before anything is changed. */
export interface Situation {
  config: PlatformConfig;
  findings: Readonly<Record<string, Finding>>;
  /** The last update; undefined for a stack that was never up. */
  previous: Previous | undefined;
  /** Silent machines that the update would go round. */
  away: readonly string[];
  /** An update that did not come to its end has founded the clusters already. @default false */
  isFounded?: boolean;
}

/** Why machines that can all be signed in to make no platform together, and what to do about it. */
export function refusals(situation: Situation): string[] {
  return [
    ...clocksApart(situation),
    ...foreignSwarms(situation),
    ...foreignData(situation),
    ...tooFewStay(situation),
    ...onlyCopy(situation),
  ];
}

/** A machine in a message: where it stands in the configuration, and where it is. */
export function labelOf({ machines }: PlatformConfig, name: string): string {
  const { [name]: machine } = machines;
  const place = machine === undefined ? "" : ` (${machine.address} port ${machine.port})`;
  return `trivet:machines.${name}${place}`;
}

/** The longest that clocks may be apart: certificates, leases and logs are compared by them. Seconds. */
const CLOCKS_APART_SECONDS = 1;
const SYNCHRONISE =
  "Switch on time synchronisation on both (timedatectl set-ntp true, with systemd-timesyncd or chrony installed); a machine that has just started needs a minute for it";

interface Reported {
  name: string;
  report: Report;
}

/** Machines that were signed in to, in the configuration's order. */
function reported({ config, findings }: Situation): Reported[] {
  return Object.keys(config.machines).flatMap((name) => {
    const { state, report } = findings[name] ?? {};
    return state === "answers" && report !== undefined ? [{ name, report }] : [];
  });
}

/** Of clocks of which one is wrong, that one is named, and no other pair. */
export function clocksApart(situation: Situation): string[] {
  const { config } = situation;
  const clocks = reported(situation).flatMap(({ name, report: { clock } }) =>
    clock === undefined ? [] : [{ name, ...clock }],
  );
  type Clock = (typeof clocks)[number];
  const areApart = (a: Clock, b: Clock) =>
    Math.max(a.least - b.most, b.least - a.most) > CLOCKS_APART_SECONDS;
  const othersOf = (clock: Clock) => clocks.filter((other) => areApart(clock, other));
  const tell = (clock: Clock, other: Clock) => {
    const ahead = (clock.least + clock.most - other.least - other.most) / 2;
    const where = ahead > 0 ? "ahead of" : "behind";
    const seconds = `${Math.abs(ahead).toFixed(1)} s ${where} that of ${other.name}`;
    return `${labelOf(config, clock.name)}: its clock is ${seconds}. ${SYNCHRONISE}`;
  };
  const fewest = Math.min(...clocks.map((clock) => othersOf(clock).length));
  const best = clocks.find((clock) => othersOf(clock).length === fewest);
  if (best === undefined) return [];
  const wrong = othersOf(best);
  const rest = clocks.filter((clock) => !wrong.includes(clock));
  const pairs = rest.flatMap((one, i) =>
    rest.slice(i + 1).flatMap((other) => (areApart(one, other) ? [tell(one, other)] : [])),
  );
  return [...wrong.map((clock) => tell(clock, best)), ...pairs];
}

const LEAVE = "docker swarm leave --force";

/** Machines whose Docker is in another Swarm than the platform's. */
export function foreignSwarms(situation: Situation): string[] {
  const { config, previous, isFounded = false } = situation;
  const isFirst = previous === undefined && !isFounded;
  const wasHere = (name: string) => !isNewHere(situation, name);
  const members = reported(situation).flatMap(({ name, report: { swarm } }) =>
    swarm === undefined || swarm.state === "inactive" ? [] : [{ name, swarm }],
  );
  const stayedIds = members.flatMap(({ name, swarm: { id } }) =>
    wasHere(name) && id !== undefined ? [id] : [],
  );
  const addresses = coreAddresses(config, () => true);
  const stayedAddresses = coreAddresses(config, wasHere);
  const strangers = members.flatMap(({ name, swarm }): [string, string][] => {
    const isManagedBy = (by: readonly string[]) => swarm.managers.some((m) => by.includes(m));
    const start = `${labelOf(config, name)}: `;
    if (swarm.managers.length > 0 && !isManagedBy(addresses)) {
      const whose = `is in a Swarm that no core machine of this stack manages (${described(swarm)})`;
      return [[name, `${start}${whose}. If nothing there needs it, run ${LEAVE} there`]];
    }
    const whoseFirst = isFirst ? strangersAtFirst(swarm) : undefined;
    if (whoseFirst !== undefined) return [[name, `${start}${whoseFirst}`]];
    if (wasHere(name)) return [];
    const isOurs =
      swarm.id !== undefined && stayedIds.length > 0
        ? stayedIds.includes(swarm.id)
        : isManagedBy(stayedAddresses);
    if (isOurs) return [];
    const whose = `is new to this stack, and in a Swarm of its own already (${described(swarm)})`;
    return [[name, `${start}${whose}. If nothing there needs it, run ${LEAVE} there`]];
  });
  const named = new Set(strangers.map(([name]) => name));
  const owners = members.flatMap(({ name, swarm: { id } }): [string, string][] =>
    id === undefined || named.has(name) ? [] : [[name, id]],
  );
  return [
    ...strangers.map(([, problem]) => problem),
    ...different(owners, (names, whose) => {
      const what = `${names} are in different Swarms (${whose})`;
      return `trivet:machines: ${what}. On each whose Swarm nothing needs, run ${LEAVE}`;
    }),
  ];
}

/** What a stack that was never up must not take for its own; a Swarm that a destroyed one left is as good as a new one. */
function strangersAtFirst(swarm: SwarmReport): string | undefined {
  if (swarm.isPlatforms === false) {
    return `is in a Swarm already, and none of its nodes is a machine of a platform (${described(swarm)}). If nothing there needs it, run ${LEAVE} there`;
  }
  if ((swarm.owned ?? 0) === 0) return undefined;
  return `is a machine of another stack, whose services run there (${described(swarm)}). Take it out of that one, or give this one another machine; if that stack's state was lost, restore it`;
}

function described({ state, id, managers }: SwarmReport): string {
  return [
    ...(state === "active" ? [] : [`state ${state}`]),
    ...(id === undefined ? [] : [`ID ${id}`]),
    `managers: ${managers.length > 0 ? managers.join(", ") : "none known"}`,
  ].join(", ");
}

const REMOVE_DATA =
  "docker volume rm trivet-postgres trivet-etcd, once no container there uses them";

/** Machines that hold another database's data than the platform's. */
export function foreignData(situation: Situation): string[] {
  const { config } = situation;
  const core = reported(situation).filter(({ name }) => config.machines[name]?.role === "core");
  const holders = core.flatMap(({ name, report: { postgres } }): [string, string][] =>
    postgres === undefined ? [] : [[name, postgres]],
  );
  const stayed = core.filter(({ name }) => !isNewHere(situation, name));
  const known = stayed.flatMap(({ report: { postgres } }) => postgres ?? []);
  const [foreign, own] = partition(
    holders,
    ([name, id]) => isNewHere(situation, name) && stayed.length > 0 && !known.includes(id),
  );
  return [
    ...foreign.map(([name, id]) => {
      const others = known.length > 0 ? `identifier ${[...new Set(known)].join(", ")}` : "no data";
      const what = `is new to this stack, and holds data of another Postgres cluster (identifier ${id}) than ${listed(stayed.map((s) => s.name))} (${others})`;
      return `${labelOf(config, name)}: ${what}. If that data is not needed, run there: ${REMOVE_DATA}`;
    }),
    ...emptyFounder(situation, core, holders),
    ...different(own, (names, whose) => {
      const what = `${names} hold data of different Postgres clusters (identifier of ${whose})`;
      return `trivet:machines: ${what}. On each whose data is not needed, run: ${REMOVE_DATA}`;
    }),
  ];
}

/** At the first update the first core machine founds the clusters: it must not do so beside data. */
function emptyFounder(
  { config, previous, isFounded = false }: Situation,
  core: readonly Reported[],
  holders: readonly [string, string][],
): string[] {
  const [first] = core;
  if (previous !== undefined || isFounded || first === undefined) return [];
  if (holders.length === 0 || holders.some(([name]) => name === first.name)) return [];
  const others = listed(holders.map(([name]) => name));
  const verb = holders.length > 1 ? "hold" : "holds";
  return [
    `${labelOf(config, first.name)}: is the first core machine of a stack that was never up, and shows no data, while ${others} ${verb} data of a Postgres cluster. If the stack's state was lost, restore it, or write a machine with the data first; if the data is not needed, run there: ${REMOVE_DATA}`,
  ];
}

/**
 * An update goes round a silent machine, and gives a new one the others' data; both at a time may
 * leave fewer members than can decide anything, and etcd takes nobody in while a member is silent.
 */
export function tooFewStay({ config, findings, previous, away }: Situation): string[] {
  if (previous === undefined) return [];
  const were = coreOf(previous.machines);
  const stayed = stayedCore(previous, config);
  const here = stayed.filter((name) => findings[name]?.state === "answers");
  const silent = stayed.filter((name) => away.includes(name));
  if (silent.length === 0) return [];
  const isMajority = here.length * 2 > were.length;
  const left = isMajority
    ? "etcd takes no member in while another is silent"
    : `that leaves ${here.length} of ${were.length} members, too few to decide anything`;
  const others = `while ${listed(silent)} ${silent.length > 1 ? "do" : "does"} not answer`;
  return changesOf(config, previous)
    .filter(([, change]) => !isMajority || change !== "removed")
    .map(
      ([name, change]) =>
        `${labelOf(config, name)}: would be ${change} ${others}: ${left}. Start ${listed(silent)} first, or set trivet:machines.${name} back`,
    );
}

/** Whoever is to go has the database, and nobody who stays. */
export function onlyCopy({ config, findings, previous }: Situation): string[] {
  if (previous === undefined) return [];
  const stayed = stayedCore(previous, config).filter((n) => findings[n]?.state === "answers");
  const hasNone = (name: string) => {
    const report = findings[name]?.report;
    // Without Docker's answer nobody knows where its volumes are.
    return report?.swarm !== undefined && report.postgres === undefined;
  };
  if (stayed.length === 0 || !stayed.every(hasNone)) return [];
  return changesOf(config, previous)
    .filter(([, change]) => change !== "added")
    .map(
      ([name, change]) =>
        `${labelOf(config, name)}: would be ${change}, and no copy of the database is on ${listed(stayed)}. Set it back, run the update, and see with ./scripts/trivet status that every core machine has a copy`,
    );
}

/** Core machines that the last update had otherwise, and what would come of them. */
function changesOf(config: PlatformConfig, previous: Previous): [string, string][] {
  const were = coreOf(previous.machines);
  const stayed = stayedCore(previous, config);
  const gone = were
    .filter((name) => !stayed.includes(name))
    .map((name): [string, string] => [
      name,
      config.machines[name]?.role === "core" ? "replaced" : "removed",
    ]);
  const added = coreOf(config.machines)
    .filter((name) => !were.includes(name))
    .map((name): [string, string] => [name, "added"]);
  return [...gone, ...added];
}

/** At the first update nobody is new. */
function isNewHere({ config, previous }: Situation, name: string): boolean {
  return previous !== undefined && isNew(config, name, previous);
}

function coreAddresses({ machines }: PlatformConfig, which: (name: string) => boolean): string[] {
  return coreOf(machines)
    .filter(which)
    .flatMap((name) => machines[name]?.privateAddress ?? []);
}

/** One message where not all have the same. */
function different(
  owners: readonly [name: string, what: string][],
  tell: (names: string, whose: string) => string,
): string[] {
  if (new Set(owners.map(([, what]) => what)).size < 2) return [];
  const whose = owners.map(([name, what]) => `${name}: ${what}`).join(", ");
  return [tell(listed(owners.map(([name]) => name)), whose)];
}

function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}

function partition<T>(all: readonly T[], first: (one: T) => boolean): [T[], T[]] {
  return [all.filter(first), all.filter((one) => !first(one))];
}
