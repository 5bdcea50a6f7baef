import { PORTS } from "../../components/core/ports";
import { SWITCHOVER, SWITCHOVER_MARKER } from "../../components/database/patroni-files";
import type { StackOutputs } from "../stack/pulumi";
import { clusterScript, parseCluster } from "./health";
import type { Machine } from "./machines";
import { callOn, machinesOf, quote, tryOn } from "./machines";
import {
  DRAIN_SECONDS,
  findGuard,
  pauseAll,
  PoolerHold,
  releaseAll,
  START_SECONDS,
} from "./pooler-hold";
import type { MemberStatus } from "./status";

/** What the operator chose. */
export interface SwitchoverOptions {
  /** Machine of the new primary; by default the standby that follows best. */
  to?: string;
  /** For what is worth saying on the way. */
  say: (line: string) => void;
  /** Gives up: everything is resumed, then its reason is thrown. */
  signal?: AbortSignal | undefined;
}

/** What a machine answered to the first question; one that is silent has no guard, and knows nothing. */
export interface Survey {
  machine: Machine;
  answers: boolean;
  /** Container of the program that holds the pooler. */
  guard: string;
  members: readonly MemberStatus[];
  /** Patroni was told to keep its hands off (`patronictl pause`): it wants a candidate named then. */
  isMaintained: boolean;
}

const SURVEY_SECONDS = 5;
/** Longest wait for Postgres to write out what is in memory. */
const CHECKPOINT_SECONDS = 300;
/** From the question to Patroni until the candidate is the primary. */
const PROMOTED_SECONDS = 30;
const STATUS = "see ./scripts/trivet status";

/**
 * Makes a standby the primary while the poolers of all machines let queries wait.
 *
 * @returns What to tell the operator.
 * @throws Error if there was none; whatever was paused has been resumed.
 */
export async function switchover(
  outputs: StackOutputs,
  options: SwitchoverOptions,
): Promise<string> {
  const surveys = await surveyAll(outputs);
  const { primary, candidate } = planSwitchover(surveys, options.to);
  if (candidate === undefined) return `${primary.name} is the primary already`;
  for (const { machine, answers } of surveys) {
    if (!answers) options.say(`${machine.name} does not answer: its pooler is not paused`);
  }
  await checkpoint(primary, options.say);
  options.signal?.throwIfAborted();
  const holds = surveys
    .filter(({ answers }) => answers)
    .map(
      ({ machine, guard }) =>
        new PoolerHold(machine.name, machine.ssh, guard, primary.name, options.signal),
    );
  const standbys = surveys
    .filter(({ machine, answers }) => answers && machine.role === "core" && machine !== primary)
    .map(({ machine }) => machine);
  const isFree = options.to === undefined && !surveys.some(({ isMaintained }) => isMaintained);
  const move = prepareMove(outputs, {
    primary,
    candidate,
    may: isFree ? standbys : [candidate],
    script: askScript(primary.name, isFree ? "" : candidate.name),
    ...(options.signal && { signal: options.signal }),
  });
  const failure = await whilePaused(holds, options, move.begin);
  move.withdraw();
  if (failure !== undefined) throw new Error(failure);
  const waited = waitedSeconds(holds).toFixed(1);
  return `${move.winner ?? candidate.name} is the primary; queries waited ${waited} s`;
}

async function surveyAll(outputs: StackOutputs): Promise<Survey[]> {
  return await Promise.all(
    machinesOf(outputs).map(async (machine) => {
      const address = outputs.machines[machine.name]?.privateAddress ?? "";
      const cluster = machine.role === "core" ? clusterScript([address]) : "";
      const script = `echo "guard $(${findGuard(machine.name)})"\n${cluster}`;
      const text = await tryOn(machine, script, SURVEY_SECONDS);
      return {
        machine,
        answers: text !== undefined,
        guard: /^guard (\S+)$/m.exec(text ?? "")?.[1] ?? "",
        members: parseCluster(text ?? ""),
        isMaintained: /"pause": ?true/.test(text ?? ""),
      };
    }),
  );
}

/** Who is primary and who shall be; no candidate where the wanted one is the primary already. */
export interface SwitchoverPlan {
  primary: Machine;
  candidate: Machine | undefined;
}

/**
 * Decides from what all machines said.
 *
 * @throws Error in one line if it cannot be done.
 */
export function planSwitchover(surveys: readonly Survey[], to?: string): SwitchoverPlan {
  const core = surveys.filter(({ machine }) => machine.role === "core");
  const names = core.map(({ machine }) => machine.name).join(", ");
  if (core.length === 1) throw new Error(`${names} is the only machine with Postgres: no standby`);
  if (to !== undefined && !core.some(({ machine }) => machine.name === to)) {
    throw new Error(`there is no core machine ${JSON.stringify(to)}, but ${names}`);
  }
  if (!core.some(({ answers }) => answers))
    throw new Error(`no core machine answers over SSH (asked ${names})`);
  const members = core.find((each) => each.members.some(isPrimary))?.members ?? [];
  const answering = core.filter(({ answers }) => answers).map(({ machine }) => machine);
  const primaryName = members.find(isPrimary)?.name;
  if (primaryName === undefined) throw new Error(`the cluster has no primary: ${STATUS}`);
  const primary = answering.find(({ name }) => name === primaryName);
  if (primary === undefined)
    throw new Error(`the primary's machine ${primaryName} does not answer over SSH`);
  if (to === primary.name) return { primary, candidate: undefined };

  const name = chooseCandidate(
    members,
    answering.map((each) => each.name),
    to,
  );
  const lacking = surveys.filter(({ answers, guard }) => answers && guard === "");
  if (lacking.length > 0) {
    throw new Error(
      `nothing runs that could pause the pooler of ${lacking.map(({ machine }) => machine.name).join(", ")}: update the stack with pulumi up, or ${STATUS}`,
    );
  }
  return { primary, candidate: answering.find((each) => each.name === name) };
}

const isPrimary = ({ role }: MemberStatus) => role === "primary";

/** Standbys that hold every acknowledged row come first: Patroni takes no other while there is one. */
const rank = ({ role }: MemberStatus) => (/^(quorum|sync) standby$/.test(role) ? 0 : 1);

/**
 * The standby that shall be primary: the wanted one, or the one that is least behind.
 *
 * @throws Error if the wanted one, or none, can be.
 */
export function chooseCandidate(
  members: readonly MemberStatus[],
  answering: readonly string[],
  to?: string,
): string {
  const wanted = members.find(({ name }) => name === to);
  if (to !== undefined && wanted?.state !== "streaming") {
    throw new Error(`${to} is not streaming, but ${wanted?.state ?? "no member"}: ${STATUS}`);
  }
  if (to !== undefined && !answering.includes(to))
    throw new Error(`${to} does not answer over SSH`);
  const [best] = members
    .filter(({ name, state }) => state === "streaming" && answering.includes(name))
    .filter(({ name }) => to === undefined || name === to)
    .sort((a, b) => rank(a) - rank(b) || lag(a) - lag(b));
  if (best === undefined) throw new Error(`no standby that answers is streaming: ${STATUS}`);
  return best.name;
}

const lag = ({ lagBytes }: MemberStatus) => lagBytes ?? Number.MAX_SAFE_INTEGER;

/** Writes out what Patroni would otherwise have written out while queries wait. */
async function checkpoint(primary: Machine, say: (line: string) => void): Promise<void> {
  const id = `$(docker ps -q --filter label=com.docker.swarm.service.name=postgres-${primary.name} | head -n 1)`;
  const script = `docker exec "${id}" psql -qX -U postgres -c CHECKPOINT > /dev/null && echo done`;
  const said = await tryOn(primary, script, CHECKPOINT_SECONDS);
  if (said === undefined) say("no checkpoint beforehand: queries may wait for longer");
}

/** Does `act` once every pooler is paused. Resolves to why there was no switchover, if so; all are resumed then. */
async function whilePaused(
  holds: readonly PoolerHold[],
  { say, signal }: SwitchoverOptions,
  act: () => Promise<string | undefined>,
): Promise<string | undefined> {
  let failure: string | undefined;
  try {
    const reason = await pauseAll(holds);
    failure = reason === undefined ? await act() : `gave up: ${reason}; nothing was changed`;
    if (failure === undefined && holds.some(({ late }) => late)) {
      say("a pooler went on before the new primary was there: queries may have failed");
    }
  } finally {
    for (const line of await releaseAll(holds)) say(line);
  }
  if (signal?.aborted === true && failure !== undefined) {
    return failure.startsWith("gave up")
      ? "interrupted; nothing was changed"
      : `interrupted; Patroni may still switch over: ${STATUS}`;
  }
  return failure;
}

/** Shell that ends once one of these members is the primary, and prints its address. */
const promotedScript = (
  addresses: readonly string[],
) => `for turn in $(seq ${PROMOTED_SECONDS * 5}); do
  for address in ${addresses.join(" ")}; do
    if curl -sf -m 1 -o /dev/null "http://$address:${PORTS.patroni}/primary"; then echo "$address" && exit 0; fi
  done
  sleep 0.2
done
echo late
exit 1`;

/**
 * Where any standby will do, `candidate` is empty: with a name Patroni lets the others sleep for 2 s, so that the
 * candidate is first, and commits wait for one of them.
 */
const askScript = (primary: string, candidate: string) =>
  `id=$(docker ps -q --filter label=com.docker.swarm.service.name=postgres-${primary} | head -n 1)
docker exec -i "$id" python3 -c ${[SWITCHOVER, primary, candidate, SWITCHOVER_MARKER].map(quote).join(" ")}`;

/** What moves the primary, and only has to be begun: queries wait from then on, so nothing else may take time. */
interface Move {
  /** Moves it, and waits until another member is the primary. Resolves to why none is, if so. */
  begin: () => Promise<string | undefined>;
  /** For one that was never begun. */
  withdraw: () => void;
  /** Machine of the new primary. */
  winner?: string | undefined;
}

interface MoveArgs {
  primary: Machine;
  /** Whom to ask how it went. */
  candidate: Machine;
  /** Who may become the primary. */
  may: readonly Machine[];
  /** Run on the primary's machine; its last command waits for a line. */
  script: string;
  signal?: AbortSignal;
}

function prepareMove(outputs: StackOutputs, args: MoveArgs): Move {
  const { primary, script, signal } = args;
  const over = new AbortController();
  const either = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  let start: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const limit = START_SECONDS + DRAIN_SECONDS + PROMOTED_SECONDS + 10;
  const answered = callOn(primary, script, limit, either, started);
  const begin = async () => {
    start();
    try {
      return await new Promise<string | undefined>((resolve) => {
        void promoted(outputs, args, either).then(({ winner, reason }) => {
          move.winner = winner;
          resolve(reason);
        });
        void answered.then(({ code, stdout, stderr }) => {
          const words = readRefusal(code, stdout, stderr);
          if (words !== undefined) resolve(words);
        });
      });
    } finally {
      over.abort();
    }
  };
  const withdraw = () => {
    over.abort();
  };
  const move: Move = { begin, withdraw };
  return move;
}

/** Waits until one that may is the primary; why none is, if so. */
async function promoted(
  outputs: StackOutputs,
  { candidate, may }: MoveArgs,
  signal: AbortSignal,
): Promise<{ winner?: string | undefined; reason?: string }> {
  const addressOf = ({ name }: Machine) => outputs.machines[name]?.privateAddress ?? "";
  const script = promotedScript(may.map(addressOf));
  const { code, stdout } = await callOn(candidate, script, PROMOTED_SECONDS + 10, signal);
  const said = stdout.trim();
  if (code === 0) return { winner: may.find((each) => addressOf(each) === said)?.name };
  const names = may.map(({ name }) => name).join(" or ");
  return said === "late"
    ? { reason: `${names} has not become the primary within ${PROMOTED_SECONDS} s: ${STATUS}` }
    : { reason: `${candidate.name} stopped answering: ${STATUS}` };
}

/** Patroni's words, unless it has agreed or has nothing to say yet. */
export function readRefusal(
  code: number | null,
  stdout: string,
  stderr: string,
): string | undefined {
  const words = stdout.trim();
  // A connection that broke tells nothing: the candidate does.
  if (code === null || code === 255) return undefined;
  if (code !== 0) return `Patroni could not be asked: ${stderr.trim().split("\n").at(-1) ?? ""}`;
  if (words === "") return undefined;
  if (/^200 .* instead of /.test(words)) return `Patroni has ${words.slice(4)}`;
  if (words.startsWith("200 ") || words.includes("status unknown")) return undefined;
  return `Patroni refuses: ${words.replace(/^\d+ /, "")}`;
}

function waitedSeconds(holds: readonly PoolerHold[]): number {
  const times = (pick: (hold: PoolerHold) => number | undefined) =>
    holds.map(pick).filter((time) => time !== undefined);
  const first = Math.min(...times(({ pausedAt }) => pausedAt));
  const last = Math.max(...times(({ resumedAt }) => resumedAt));
  return Math.max(0, (last - first) / 1000);
}
