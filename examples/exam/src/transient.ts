/** SQLSTATE classes and codes that say "not now" rather than "not like this". */
const TRANSIENT_CLASSES = ["08", "53", "57"];
const TRANSIENT_STATES = new Set([
  "25006", // read-only transaction: this connection still reaches a former primary
  "40001",
  "40P01",
]);
const TRANSIENT_NODE_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
]);
/** The client libraries report these as plain errors, without a code. */
const TRANSIENT_MESSAGES = [
  /^Connection terminated/,
  /^Query read timeout/,
  /^timeout exceeded when trying to connect/,
  /^Client has encountered a connection error/,
  /^Command timed out/,
  /^Connection is closed/,
  /^Stream isn't writeable/,
  /^Socket timeout/,
  /max retries per request/,
  /^LOADING /,
  /^READONLY /,
  /^MASTERDOWN /,
];

/** True for failures that pass by themselves: a failover, a restart, a lost connection. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.some(isTransient)) return true;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return (
    TRANSIENT_NODE_CODES.has(code) ||
    TRANSIENT_STATES.has(code) ||
    (/^[0-9A-Z]{5}$/.test(code) && TRANSIENT_CLASSES.includes(code.slice(0, 2))) ||
    TRANSIENT_MESSAGES.some((pattern) => pattern.test(error.message))
  );
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Runs `operation` until it succeeds, fails for good, or `seconds` have passed. Only for operations
 * that may run twice: a lost connection does not tell whether the first attempt was committed.
 */
export async function retryTransient<Result>(
  operation: () => Promise<Result>,
  seconds: number,
): Promise<Result> {
  const deadline = Date.now() + seconds * 1000;
  for (let pause = 50; ; pause = Math.min(pause * 2, 1000)) {
    try {
      return await operation();
    } catch (error) {
      if (!isTransient(error) || Date.now() + pause > deadline) throw error;
    }
    await sleep(pause * (0.5 + Math.random()));
  }
}
