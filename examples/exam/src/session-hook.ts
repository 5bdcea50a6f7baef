import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Problem } from "./problem";
import { type Session, SESSION_SECONDS, type Sessions, type StudentSession } from "./sessions";

export const COOKIE = "exam_session";

declare module "fastify" {
  interface FastifyRequest {
    /** Who sent the request; set by routes that ask for it. */
    session: Session | null;
  }
}

export function addSession(app: FastifyInstance): void {
  app.decorateRequest("session", null);
}

/** A hook that looks the session up; without a cookie it asks nobody. */
export const loadSession =
  (sessions: Sessions) =>
  async (request: FastifyRequest): Promise<void> => {
    const cookie = request.cookies[COOKIE];
    request.session = cookie === undefined ? null : await sessions.find(cookie);
  };

export function requireStudent(request: FastifyRequest): StudentSession {
  if (request.session?.role !== "student") {
    throw new Problem(401, "signed_out", "Sign in to go on.");
  }
  return request.session;
}

export function requireAdmin(request: FastifyRequest): void {
  if (request.session?.role !== "admin") {
    throw new Problem(401, "signed_out", "Sign in as administrator to go on.");
  }
}

/** Begins a session and ends the one that the browser had before. */
export async function signIn(
  request: FastifyRequest,
  reply: FastifyReply,
  sessions: Sessions,
  session: Session,
): Promise<void> {
  const former = request.cookies[COOKIE];
  if (former !== undefined) await sessions.end(former);
  reply.setCookie(COOKIE, await sessions.create(session), {
    path: "/",
    httpOnly: true,
    sameSite: "lax",
    secure: request.protocol === "https",
    maxAge: SESSION_SECONDS,
  });
}

export async function signOut(
  request: FastifyRequest,
  reply: FastifyReply,
  sessions: Sessions,
): Promise<void> {
  const cookie = request.cookies[COOKIE];
  if (cookie !== undefined) await sessions.end(cookie);
  reply.clearCookie(COOKIE, { path: "/" });
}
