/** A machine in this process on which a whole platform can be put up: scripts are answered, Swarm is in memory. */
import { createHash } from "node:crypto";
import { dockerApi } from "./docker-api";
import { FakeSwarm } from "./fake-swarm";
import { FACTS, startPretender, type TestMachine } from "./ssh-server";

export interface SwarmMachine extends TestMachine {
  readonly swarm: FakeSwarm;
  /** Requests of Docker's API that there was no answer for. */
  readonly unanswered: readonly string[];
}

/** Long enough to be interrupted. Milliseconds. */
const COMMAND_MILLIS = 100;

/** What a script prints, by the end of its resource's name. */
const PRINTED: readonly (readonly [RegExp, (input: string) => string])[] = [
  [/-facts$/, () => JSON.stringify(FACTS)],
  [/-docker$/, () => '{ "version": "26.1.5", "restartPending": "" }'],
  [/-sysctl$/, () => "net.core.somaxconn = 65535\n"],
  [/-init$/, () => "SWMTKN-1-manager\nSWMTKN-1-worker\nswarm-1\n"],
  [/image-[a-z]+-vm\d$/, identityOf],
];

/** Another reference is another image. */
function identityOf(input: string): string {
  const [, reference = ""] = /^set -- \S+ (\S+)/m.exec(input) ?? [];
  return `sha256:${createHash("sha256").update(reference).digest("hex")}\n`;
}

/** Everything else that scripts do has been done. */
function answer(swarm: FakeSwarm, command: string, input: string): string | undefined {
  const [, owner] = / list (\S+)$/.exec(command) ?? [];
  if (owner !== undefined) return swarm.labelled("trivet.owner", owner);
  const [, words] = / remove (.+)$/.exec(command) ?? [];
  if (words !== undefined) return removeAll(swarm, words.split(" "));
  // Every machine has every image already, or takes it.
  if (/^docker (image inspect|tag) /.test(command)) return "";
  const [, name] = /^if .* # (.*)$/.exec(command) ?? [];
  if (name === undefined) return undefined;
  const found = PRINTED.find(([pattern]) => pattern.test(name));
  return found === undefined ? "" : found[1](input);
}

/** What leftovers are removed with: `kind:identity`, services first. Fails as Swarm would. */
function removeAll(swarm: FakeSwarm, words: readonly string[]): string | undefined {
  const ofKind = (kind: string) =>
    words.filter((word) => word.startsWith(`${kind}:`)).map((word) => word.slice(kind.length + 1));
  try {
    for (const id of ofKind("service")) swarm.removeService(id);
    for (const id of ofKind("network")) swarm.removeNetwork(id);
    for (const id of ofKind("secret")) swarm.removeSecret(id);
    return "";
  } catch {
    return undefined;
  }
}

/** @param swarm Of the machines that it is to work with. */
export async function startSwarmMachine(swarm = new FakeSwarm()): Promise<SwarmMachine> {
  const unanswered: string[] = [];
  const api = dockerApi(swarm, (request) => unanswered.push(request));
  const machine = await startPretender((command, input) => answer(swarm, command, input), {
    docker: (connection) => api.emit("connection", connection),
    commandMillis: COMMAND_MILLIS,
  });
  return { ...machine, swarm, unanswered };
}
