/** What a machine told of itself while we were signed in to it; what it did not tell is left out. */
export interface Report {
  clock?: ClockOffset;
  swarm?: SwarmReport;
  /** Identifier of the Postgres cluster whose data it holds. */
  postgres?: string;
  /** That data is a standby's. */
  standby?: boolean;
}

/** How far its clock is ahead of this computer's: at least and at most. Seconds. */
export interface ClockOffset {
  least: number;
  most: number;
}

/** The Swarm that a machine's Docker is in. */
export interface SwarmReport {
  /** As Docker calls it: `inactive`, `pending`, `active`, `error` or `locked`. */
  state: string;
  /** Identity of the Swarm, as its managers know it or the machine's certificate names it. */
  id?: string;
  /** Identity that its certificate gives the machine there. */
  node?: string;
  /** Identities of the Swarm's nodes; only managers know them. */
  nodes?: readonly string[];
  /** Some of them are machines of a platform like this one. */
  isPlatforms?: boolean;
  /** Services in it that a stack made and has not destroyed. Count. */
  owned?: number;
  /** Addresses of its managers, without the port. */
  managers: readonly string[];
  /** It is one of its managers, now. */
  isManager?: boolean;
  /** Names of machines that an update began to send away; only managers know them. */
  leaving?: readonly string[];
}

/**
 * Reads what probe.sh printed. Lines of somebody else, as a login shell's, are passed over.
 *
 * @param started When we told it to begin, in seconds of a clock that nobody sets meanwhile.
 * @param ended After all was read, by the same clock.
 */
export function parseReport(stdout: string, started: number, ended: number): Report {
  const told = new Map<string, string>();
  for (const line of stdout.split(/\r?\n/)) {
    const [, key, value] = /^trivet-(\w+) (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) told.set(key, value.trim());
  }
  const clock = offsetOf(told.get("began"), told.get("ended"), started, ended);
  const swarm = swarmOf(told);
  const postgres = told.get("postgres");
  return {
    ...(clock && { clock }),
    ...(swarm && { swarm }),
    ...(postgres !== undefined && /^[1-9]\d{0,19}$/.test(postgres) && { postgres }),
    ...(told.get("standby") === "yes" && { standby: true }),
  };
}

/** Its first look at the clock was after we had told it to, its last one before we had read it. */
function offsetOf(
  began: string | undefined,
  last: string | undefined,
  started: number,
  ended: number,
): ClockOffset | undefined {
  const [first, second] = [Number(began ?? NaN) - started, Number(last ?? NaN) - ended];
  if (!Number.isFinite(first) || !Number.isFinite(second)) return undefined;
  // The wrong way round only where the clock was set meanwhile.
  return { least: Math.min(first, second), most: Math.max(first, second) };
}

function swarmOf(told: ReadonlyMap<string, string>): SwarmReport | undefined {
  const [state = "", said = "-", ...managers] = wordsOf(told.get("swarm"));
  if (state === "") return undefined;
  const [certified, node] = wordsOf(told.get("member"));
  const id = said === "-" ? certified : said;
  const [manages, nodes] = [told.get("manages"), wordsOf(told.get("nodes"))];
  const [labelled, owned, leaving] = [told.get("labelled"), told.get("owned"), told.get("leaving")];
  return {
    state,
    ...(id !== undefined && { id }),
    ...(node !== undefined && { node }),
    ...(nodes.length > 0 && { nodes }),
    ...(nodes.length > 0 && labelled !== undefined && { isPlatforms: labelled !== "" }),
    ...(/^\d+$/.test(owned ?? "") && { owned: Number(owned) }),
    managers: managers.map((address) => address.replace(/:\d+$/, "")),
    ...(manages !== undefined && { isManager: manages === "true" }),
    ...(leaving !== undefined && { leaving: wordsOf(leaving) }),
  };
}

const wordsOf = (line = "") => line.split(/\s+/).filter((word) => word !== "");
