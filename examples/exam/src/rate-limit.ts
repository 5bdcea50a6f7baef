import type { Redis } from "ioredis";
import { KEY_PREFIX } from "./cache";
import { Problem } from "./problem";

const WINDOW_SECONDS = 60;

/**
 * Sliding window over two fixed ones: the previous window counts by the share of it that still lies
 * within the last minute. `elapsed` is the share of the current window that has passed, 0 to 1.
 */
export const slidingCount = (previous: number, current: number, elapsed: number): number =>
  previous * (1 - elapsed) + current;

/** Where a moment lies in its window. */
export function windowAt(milliseconds: number): { index: number; elapsed: number } {
  const position = milliseconds / (WINDOW_SECONDS * 1000);
  const index = Math.floor(position);
  return { index, elapsed: position - index };
}

/** Counts in the shared store, so that the limit holds over all replicas. */
export class RateLimiter {
  constructor(private readonly redis: Redis) {}

  /** Counts one hit; throws a 429 {@link Problem} above `limit` hits per minute. */
  async hit(scope: string, who: string, limit: number): Promise<void> {
    const { index, elapsed } = windowAt(Date.now());
    const key = (window: number): string => `${KEY_PREFIX}rate:${scope}:${who}:${String(window)}`;
    const [current, , previous] = await Promise.all([
      this.redis.incr(key(index)),
      this.redis.expire(key(index), 2 * WINDOW_SECONDS),
      this.redis.get(key(index - 1)),
    ]);
    if (slidingCount(Number(previous ?? 0), current, elapsed) > limit) {
      throw new Problem(
        429,
        "too_many_requests",
        "Too many requests. Wait a moment and try again.",
        {
          retryAfterSeconds: Math.ceil((1 - elapsed) * WINDOW_SECONDS),
        },
      );
    }
  }
}
