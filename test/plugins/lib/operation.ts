/** What an operation of a resource is given beside its properties: its log, and when to stop. */

export type Severity = "debug" | "info" | "warning" | "error";

export interface Log {
  /** Stays in the output of the command line. */
  message(severity: Severity, text: string): void;
  /** Shown only while it is the resource's latest. */
  status(severity: Severity, text: string): void;
}

export interface Operation {
  readonly log: Log;
  /** Aborted when the engine cancels or the resource's own time-out is over. */
  readonly signal: AbortSignal;
}

/** The engine, or the person before it, asked for a stop. */
export class CanceledError extends Error {
  constructor() {
    super("context canceled");
  }
}

/** The resource's custom time-out is over. */
export class DeadlineError extends Error {
  constructor() {
    super("context deadline exceeded");
  }
}

export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new CanceledError();
}

/** Keeps the running operations, so that one call can stop them all. */
export class Operations {
  private readonly running = new Set<AbortController>();
  private canceled = false;

  /** Runs one operation; `timeoutSeconds` 0 means no limit. */
  async run<T>(timeoutSeconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const timer =
      timeoutSeconds > 0
        ? setTimeout(() => {
            controller.abort(new DeadlineError());
          }, timeoutSeconds * 1000)
        : undefined;
    this.running.add(controller);
    if (this.canceled) controller.abort(new CanceledError());
    try {
      return await work(controller.signal);
    } finally {
      clearTimeout(timer);
      this.running.delete(controller);
    }
  }

  /** Stops what runs now and whatever is started later. */
  cancelAll() {
    this.canceled = true;
    for (const controller of this.running) controller.abort(new CanceledError());
  }

  get idle(): boolean {
    return this.running.size === 0;
  }
}
