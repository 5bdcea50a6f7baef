import { execFile } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";

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

/** A line that the command gets on its standard input once it has printed another. */
export interface Reply {
  /** What it prints. */
  to: string;
  /** Called as the line is sent. */
  sent: () => void;
}

/** Until the machine has shown its host key. Seconds. */
const CONNECT_SECONDS = 5;

/** Where ssh finds a machine. Ours first: of an option that is given twice, ssh takes the first. */
export async function targetOf({ docker }: Host): Promise<SshTarget> {
  const ours = ["-o", `ConnectTimeout=${CONNECT_SECONDS}`, "-o", "LogLevel=ERROR"];
  const [address, options] = await valueOf(pulumi.all([docker.host, docker.sshOpts]));
  return { address, options: [...ours, ...options] };
}

/** A value that has to be known here and now, which it is in an update. */
export async function valueOf<T>(input: pulumi.Input<T>): Promise<pulumi.Unwrap<T>> {
  return await new Promise((resolve) => {
    pulumi.output(input).apply(resolve);
  });
}

/** What a program or a machine said last, `most` characters of it, without what would move a terminal's cursor. */
export function lastLine(output: string, most = 200): string {
  const lines = output.split(/[\r\n]+/).map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, "").trim());
  return (lines.findLast((line) => line !== "") ?? "no reason given").slice(0, most);
}

/**
 * Runs a command over the system's ssh, from the program itself. Never rejects.
 *
 * @param input What the command reads first.
 * @param reply An empty line that it reads next; without it, its input ends there.
 */
export async function runOverSsh(
  { address, options }: SshTarget,
  command: string,
  limitSeconds: number,
  input = "",
  reply?: Reply,
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
    if (reply === undefined) {
      child.stdin?.end(input);
      return;
    }
    child.stdin?.write(input);
    let printed = "";
    child.stdout?.on("data", (chunk: Buffer | string) => {
      printed += chunk.toString();
      if (!printed.includes(reply.to) || child.stdin?.writableEnded === true) return;
      reply.sent();
      child.stdin?.end("\n");
    });
  });
}
