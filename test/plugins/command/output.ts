/** Collects what a command writes, and passes it on to the engine's log line by line. */
import type { Log } from "../lib/operation.js";

/** The official plugin's line scanner gives up at this length, and its command then never ends. */
const MAX_LINE_BYTES = 64 * 1024;

export class LineTooLongError extends Error {
  constructor() {
    super(
      `a line of output is longer than ${MAX_LINE_BYTES - 1} bytes while logging is on: the ` +
        "official plugin would wait for ever; use logging: none, or write shorter lines",
    );
  }
}

export interface Logging {
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** @param logging the property's text; absent logs both streams, an unknown text none. */
export function parseLogging(logging: string | undefined): Logging {
  const both = logging === undefined || logging === "stdoutAndStderr";
  return { stdout: both || logging === "stdout", stderr: both || logging === "stderr" };
}

export class OutputCollector {
  private readonly chunks: Record<"stdout" | "stderr" | "all", Buffer[]> = {
    stdout: [],
    stderr: [],
    all: [],
  };
  private pending = Buffer.alloc(0);
  private tooLong = false;

  constructor(
    private readonly logging: Logging,
    private readonly log: Log,
    private readonly onTooLong: (error: LineTooLongError) => void,
  ) {}

  add(stream: "stdout" | "stderr", chunk: Buffer) {
    this.chunks[stream].push(chunk);
    this.chunks.all.push(chunk);
    if (this.logging[stream]) this.addLines(chunk);
  }

  /** Logs what is left of the last line. To be called once, at the end. */
  finish() {
    if (this.pending.length > 0) this.writeLine(this.pending);
    this.pending = Buffer.alloc(0);
  }

  /** A stream's text without the one line end that closes it. */
  text(stream: "stdout" | "stderr"): string {
    return Buffer.concat(this.chunks[stream]).toString("utf8").replace(/\n$/, "");
  }

  /** Both streams as they came, for an error's text. */
  combined(): string {
    return Buffer.concat(this.chunks.all).toString("utf8");
  }

  private addLines(chunk: Buffer) {
    let rest = Buffer.concat([this.pending, chunk]);
    let end = rest.indexOf("\n");
    while (end >= 0) {
      this.writeLine(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      end = rest.indexOf("\n");
    }
    this.pending = rest;
    if (rest.length >= MAX_LINE_BYTES) this.reportTooLong();
  }

  private writeLine(line: Buffer) {
    if (line.length >= MAX_LINE_BYTES) this.reportTooLong();
    else if (!this.tooLong) this.log.status("info", line.toString("utf8").replace(/\r$/, ""));
  }

  private reportTooLong() {
    if (this.tooLong) return;
    this.tooLong = true;
    this.onTooLong(new LineTooLongError());
  }
}
