/** Why a server did not open a channel, in the words of the official plugin's SSH library. */

const REASONS: Readonly<Record<number, string>> = {
  1: "administratively prohibited",
  2: "connect failed",
  3: "unknown channel type",
  4: "resource shortage",
};

export function rejection(error: Error): Error {
  const code = "reason" in error && typeof error.reason === "number" ? error.reason : 0;
  const text = error.message.replace(/^\(SSH\) Channel open failure: /, "");
  return new Error(`ssh: rejected: ${REASONS[code] ?? `unknown reason ${code}`} (${text})`, {
    cause: error,
  });
}
