import { execFile } from "node:child_process";

/** Where the system's ssh connects, as docker's own `ssh://` does. */
export interface SshTarget {
  /** `ssh://user@address:port`. */
  address: string;
  /** Options: identity, known_hosts. */
  options: readonly string[];
}

/** What a command on a machine came to. */
export interface SshResult {
  /** Exit code of the command, 255 of ssh itself; null when the time was over. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command over the system's ssh, from the program itself. Never rejects.
 *
 * @param input What the command reads.
 */
export async function runOverSsh(
  { address, options }: SshTarget,
  command: string,
  limitSeconds: number,
  input = "",
): Promise<SshResult> {
  return await new Promise((resolve) => {
    const limits = { timeout: limitSeconds * 1000, maxBuffer: 16_777_216 };
    const child = execFile(
      "ssh",
      [...options, address, command],
      limits,
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
