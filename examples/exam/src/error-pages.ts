import { STATUS_CODES } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Assets } from "./assets";
import { notFound, Problem } from "./problem";
import { isTransient } from "./transient";
import { errorPage } from "./views/error";

/** Replies to failures: JSON under /api, a page elsewhere; the cause is logged, never shown. */
export function addErrorPages(app: FastifyInstance, replica: string, assets: Assets): void {
  const send = (request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply => {
    reply.code(problem.status);
    const { retryAfterSeconds } = problem.details;
    if (typeof retryAfterSeconds === "number") reply.header("retry-after", retryAfterSeconds);
    if (request.url.startsWith("/api/") || request.headers.upgrade !== undefined) {
      return reply.send({
        error: { code: problem.code, message: problem.message, ...problem.details },
      });
    }
    if (problem.status === 401 && request.method === "GET") {
      const admin = request.url.startsWith("/admin");
      const next = encodeURIComponent(request.url);
      return reply.redirect(admin ? "/admin/sign-in" : `/sign-in?next=${next}`, 303);
    }
    return reply
      .type("text/html; charset=utf-8")
      .send(errorPage(problem, { session: request.session, replica, assets }).toString());
  };

  app.setErrorHandler((error: unknown, request, reply) => {
    const problem = asProblem(error);
    if (problem.status === 503) {
      // Many requests fail the same way at once; where in the code says nothing here.
      const reason = error instanceof Error ? error.message : String(error);
      request.log.warn({ reason }, "request not served");
    } else if (problem.status >= 500) {
      request.log.error({ err: error }, "request failed");
    }
    return send(request, reply, problem);
  });
  app.setNotFoundHandler((request, reply) => send(request, reply, notFound()));
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isTransient(error)) {
    return new Problem(503, "unavailable", "The server cannot answer at the moment. Try again.", {
      retryAfterSeconds: 2,
    });
  }
  // What the web framework itself refuses: a body that is too large or is not JSON.
  if (error instanceof Error && "statusCode" in error && typeof error.statusCode === "number") {
    const status = error.statusCode;
    if (status >= 400 && status < 500) {
      return new Problem(status, "refused", STATUS_CODES[status] ?? "The request was refused.");
    }
  }
  return new Problem(500, "internal", "Something went wrong on the server.");
}
