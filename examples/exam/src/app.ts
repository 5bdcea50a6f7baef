import { randomUUID } from "node:crypto";
import cookie from "@fastify/cookie";
import formbody from "@fastify/formbody";
import websocket from "@fastify/websocket";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from "fastify";
import { addAssets, type Assets } from "./assets";
import type { Config } from "./config";
import { addErrorPages } from "./error-pages";
import { adminRoutes } from "./routes/admin";
import { apiRoutes } from "./routes/api";
import { healthRoutes } from "./routes/health";
import { pageRoutes } from "./routes/pages";
import { socketRoutes } from "./routes/sockets";
import { addSecurity } from "./security";
import type { Services } from "./services";
import { addSession } from "./session-hook";

/** Longer than the 60 to 75 s of usual proxies, so that it is never this side that hangs up. */
const KEEP_ALIVE_MS = 75_000;

/** Builds the web server; it does not listen yet. */
export async function buildApp(
  config: Config,
  services: Services,
  assets: Assets,
  log: FastifyBaseLogger,
): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: config.trustedProxies,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 30_000,
    bodyLimit: 64 * 1024,
    // While stopping, requests on open connections are still answered.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    genReqId: (request) => requestId(request.headers["x-request-id"]),
  });
  app.server.headersTimeout = KEEP_ALIVE_MS + 5_000;
  logRequests(app);
  addErrorPages(app, config.replica, assets);
  app.addHook("onSend", async (request, reply) => {
    reply.header("x-request-id", request.id);
    if (services.lifecycle.draining) reply.header("connection", "close");
  });

  await app.register(cookie);
  await app.register(formbody);
  // Open sockets are ended by the shutdown, with a code that tells browsers to come again.
  await app.register(websocket, {
    options: { maxPayload: 1024 },
    preClose: (done) => {
      done();
    },
  });
  // After the WebSocket plugin: it closes the connection of an upgrade that a hook refuses.
  addSecurity(app);
  addSession(app);
  await addAssets(app, assets);
  healthRoutes(app, services);
  pageRoutes(app, config, services, assets);
  apiRoutes(app, config, services);
  adminRoutes(app, config, services, assets);
  socketRoutes(app, services);
  return app;
}

/** Takes the proxy's identifier when it looks like one, so that both logs can be joined. */
function requestId(header: string | string[] | undefined): string {
  return typeof header === "string" && /^[\w-]{8,64}$/.test(header) ? header : randomUUID();
}

function logRequests(app: FastifyInstance): void {
  app.addHook("onResponse", async (request, reply) => {
    // The route's pattern and no query: what people typed does not belong into a log.
    const path = request.routeOptions.url ?? "(none)";
    const level = path === "/health" || path === "/live" || path === "/assets/*" ? "debug" : "info";
    request.log[level](
      {
        method: request.method,
        path,
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime * 10) / 10,
        address: request.ip,
      },
      "request",
    );
  });
}
