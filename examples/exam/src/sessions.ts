import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import { KEY_PREFIX } from "./cache";

const sessionSchema = z.discriminatedUnion("role", [
  z.object({
    role: z.literal("student"),
    studentId: z.number(),
    number: z.string(),
    name: z.string(),
  }),
  z.object({ role: z.literal("admin") }),
]);

export type Session = z.output<typeof sessionSchema>;
export type StudentSession = Extract<Session, { role: "student" }>;

/** A session ends this long after its last request, in seconds. */
export const SESSION_SECONDS = 4 * 3600;
const ACTIVE_KEY = `${KEY_PREFIX}active-students`;

/** Sessions in the shared store, found by a signed random token. */
export class Sessions {
  constructor(
    private readonly redis: Redis,
    private readonly secret: string,
  ) {}

  /** Makes a session; returns the cookie's value. */
  async create(session: Session): Promise<string> {
    const token = randomBytes(24).toString("base64url");
    await this.redis.set(sessionKey(token), JSON.stringify(session), "EX", SESSION_SECONDS);
    await this.#touch(session);
    return signToken(token, this.secret);
  }

  /** Finds the session and extends it. */
  async find(cookie: string): Promise<Session | null> {
    const token = verifyToken(cookie, this.secret);
    if (token === null) return null;
    const stored = await this.redis.getex(sessionKey(token), "EX", SESSION_SECONDS);
    if (stored === null) return null;
    const session = sessionSchema.parse(JSON.parse(stored));
    // Only a statistic: a request neither waits nor fails for it.
    this.#touch(session).catch(() => undefined);
    return session;
  }

  async end(cookie: string): Promise<void> {
    const token = verifyToken(cookie, this.secret);
    if (token === null) return;
    const stored = await this.redis.getdel(sessionKey(token));
    if (stored === null) return;
    const session = sessionSchema.parse(JSON.parse(stored));
    if (session.role === "student") await this.redis.zrem(ACTIVE_KEY, session.number);
  }

  /** Students seen within the last `seconds`. */
  async countActive(seconds: number): Promise<number> {
    const now = Date.now();
    await this.redis.zremrangebyscore(ACTIVE_KEY, 0, now - SESSION_SECONDS * 1000);
    return this.redis.zcount(ACTIVE_KEY, now - seconds * 1000, "+inf");
  }

  async #touch(session: Session): Promise<void> {
    if (session.role === "student") await this.redis.zadd(ACTIVE_KEY, Date.now(), session.number);
  }
}

/** The store holds a hash, so that reading it does not give anybody a usable cookie. */
const sessionKey = (token: string): string =>
  `${KEY_PREFIX}session:${createHash("sha256").update(token).digest("base64url")}`;

const signature = (token: string, secret: string): string =>
  createHmac("sha256", secret).update(token).digest("base64url");

export const signToken = (token: string, secret: string): string =>
  `${token}.${signature(token, secret)}`;

/** The token of a cookie that this application signed, otherwise null. */
export function verifyToken(cookie: string, secret: string): string | null {
  const [token, given, ...rest] = cookie.split(".");
  if (token === undefined || given === undefined || rest.length > 0) return null;
  return equalTexts(given, signature(token, secret)) ? token : null;
}

/** Compares secrets in a time that tells nothing about them. */
export function equalTexts(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
