import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./drill";

/** Milliseconds. */
export const SECOND = 1000;

/** Waits until something is true. Resolves to the seconds, or to infinity when the time is over. */
export async function secondsUntil(
  isTrue: () => Promise<boolean>,
  limitSeconds: number,
): Promise<number> {
  const started = Date.now();
  for (;;) {
    if (await isTrue()) return (Date.now() - started) / SECOND;
    if (Date.now() - started > limitSeconds * SECOND) return Number.POSITIVE_INFINITY;
    await sleep(200);
  }
}

/** Something inside machines crashes and comes back by itself. */
export const crash = (script: () => Promise<unknown>, seconds: number): Fault => ({
  hit: [],
  happens: async () => {
    await script();
    await sleep(seconds * SECOND);
  },
});
