/** As much of Docker's HTTP API as the Docker provider asks for. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { FakeSwarm, NODE_ID, Refused, type Network, type Secret, type Service } from "./fake-swarm";

interface Request {
  /** What the path's parentheses hold. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}
type Handle = (swarm: FakeSwarm, request: Request) => unknown;

/** From a change to its answer, for an interruption to fall between the two. Milliseconds. */
const ANSWER_MILLIS = 100;

/** When everything was made: the provider does not look at it. */
const MADE = "2030-01-01T00:00:00Z";

const ROUTES: readonly (readonly [method: string, path: RegExp, handle: Handle])[] = [
  ["GET", /^\/services$/, (swarm) => swarm.services.list().map(showService)],
  ["POST", /^\/services\/create$/, (swarm, { body }) => ({ ID: swarm.createService(body).ID })],
  ["GET", /^\/services\/([^/]+)$/, (swarm, { id }) => showService(swarm.services.get(id))],
  ["POST", /^\/services\/([^/]+)\/update$/, updateService],
  ["DELETE", /^\/services\/([^/]+)$/, remove("removeService")],
  ["GET", /^\/tasks$/, listTasks],
  ["GET", /^\/tasks\/([^/]+)$/, (_, { id }) => showTask(id)],
  ["GET", /^\/nodes$/, () => [{ ID: NODE_ID, Status: { State: "ready" } }]],
  ["POST", /^\/secrets\/create$/, (swarm, { body }) => ({ ID: swarm.createSecret(body).ID })],
  ["GET", /^\/secrets\/([^/]+)$/, (swarm, { id }) => showSecret(swarm.secrets.get(id))],
  ["DELETE", /^\/secrets\/([^/]+)$/, remove("removeSecret")],
  ["POST", /^\/networks\/create$/, (swarm, { body }) => ({ Id: swarm.createNetwork(body).ID })],
  ["GET", /^\/networks\/([^/]+)$/, (swarm, { id }) => showNetwork(swarm.networks.get(id))],
  ["DELETE", /^\/networks\/([^/]+)$/, remove("removeNetwork")],
];

function remove(removal: "removeService" | "removeSecret" | "removeNetwork"): Handle {
  return (swarm, { id }) => {
    swarm[removal](id);
    return {};
  };
}

function updateService(swarm: FakeSwarm, { id, query, body }: Request): unknown {
  swarm.updateService(id, Number(query.get("version")), body);
  return { Warnings: null };
}

function showService({ ID, version, spec }: Service): unknown {
  return {
    ID,
    Version: { Index: version },
    CreatedAt: MADE,
    UpdatedAt: MADE,
    Spec: spec,
    Endpoint: { Spec: spec.EndpointSpec, Ports: spec.EndpointSpec.Ports },
  };
}

function showSecret({ ID, version, spec }: Secret): unknown {
  return { ID, Version: { Index: version }, CreatedAt: MADE, UpdatedAt: MADE, Spec: spec };
}

function showNetwork({ ID, spec }: Network): unknown {
  return { Id: ID, Created: MADE, Scope: "swarm", ...spec };
}

/** Every service runs as it should, at once; none has a past. */
function listTasks(swarm: FakeSwarm, { query }: Request): unknown {
  const filters = query.get("filters") ?? "{}";
  if (/"desired-state":\{"shutdown"/.test(filters)) return [];
  const [, key = ""] = /"service":\{"([^"]+)"/.exec(filters) ?? [];
  const { ID, spec } = swarm.services.get(key);
  const { Replicas } = spec.Mode.Replicated;
  return Array.from({ length: Replicas }, (_, i) => showTask(`${ID}-${i + 1}`));
}

/** Without a container: nobody has to wait for its end. */
function showTask(id: string): unknown {
  const [service, slot] = id.split("-");
  return {
    ID: id,
    ServiceID: service,
    NodeID: NODE_ID,
    Slot: Number(slot),
    DesiredState: "running",
    Status: { State: "running" },
  };
}

/**
 * Answers for `swarm`. Without a port: connections are given to it, as `emit("connection", …)`.
 * @param unknown Gets the requests that it has no answer for.
 */
export function dockerApi(swarm: FakeSwarm, unknown: (request: string) => void): Server {
  return createServer((request, response) => {
    serve(swarm, request, response, unknown).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      reply(response, error instanceof Refused ? error.status : 500, { message });
    });
  });
}

async function serve(
  swarm: FakeSwarm,
  request: IncomingMessage,
  response: ServerResponse,
  unknown: (request: string) => void,
): Promise<void> {
  const { method = "", url = "" } = request;
  const { pathname, searchParams } = new URL(url, "http://docker");
  const path = pathname.replace(/^\/v[\d.]+(?=\/)/, "");
  if (path === "/_ping") {
    response.setHeader("Api-Version", "1.45");
    reply(response, 200, "OK");
    return;
  }
  const text = await readAll(request);
  for (const [verb, pattern, handle] of ROUTES) {
    const match = method === verb ? pattern.exec(path) : null;
    if (match === null) continue;
    const id = decodeURIComponent(match[1] ?? "");
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    const answer = handle(swarm, { id, query: searchParams, body });
    if (verb !== "GET") await sleep(ANSWER_MILLIS);
    reply(response, verb === "POST" ? 201 : 200, answer);
    return;
  }
  // The provider asks a registry for the digest of every image; an identity has none.
  if (!path.startsWith("/distribution/")) unknown(`${method} ${path}`);
  throw new Refused(404, "page not found");
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "application/json");
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
