import type { FastifyInstance, FastifyRequest } from "fastify";
import { Problem } from "./problem";

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

const FOREIGN = "This request came from another site and was refused.";
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Security headers on every reply, and no changing request from another site's pages. */
export function addSecurity(app: FastifyInstance): void {
  app.addHook("onRequest", (request, _reply, done) => {
    const changes = !SAFE_METHODS.has(request.method) || request.headers.upgrade !== undefined;
    const foreign = changes && !isSameOrigin(request);
    done(foreign ? new Problem(403, "cross_origin", FOREIGN) : undefined);
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    reply.headers(HEADERS);
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
    done(null, payload);
  });
}

/**
 * Browsers name the page that a request comes from; programs such as a load test do not, and carry
 * nobody's cookies. Names are compared without ports: a proxy may not pass its own port on.
 */
function isSameOrigin(request: FastifyRequest): boolean {
  const { origin, "sec-fetch-site": site } = request.headers;
  if (site === "same-origin") return true;
  if (origin === undefined) return site === undefined || site === "none";
  return URL.canParse(origin) && new URL(origin).hostname === request.hostname;
}
