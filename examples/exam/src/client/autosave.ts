/** What the server said to one attempt to save. */
export type SaveReply =
  | { readonly kind: "saved"; readonly savedAt: string }
  /** Stored already up to this sequence: by another window. */
  | { readonly kind: "stale"; readonly current: number }
  /** No answer, or one that says "not now". */
  | { readonly kind: "retry" }
  | { readonly kind: "signed-out" }
  | { readonly kind: "refused"; readonly message: string };

export type SaveState =
  | { readonly kind: "saving" }
  | { readonly kind: "saved"; readonly savedAt: string }
  | { readonly kind: "unsaved"; readonly attempts: number; readonly retrySeconds: number }
  | { readonly kind: "signed-out" }
  | { readonly kind: "refused"; readonly message: string };

export interface AutosaveOptions {
  /** Sequence of the answer that is stored, 0 for none. */
  readonly sequence: number;
  /** That answer. */
  readonly value: string;
  readonly send: (sequence: number, value: string) => Promise<SaveReply>;
  readonly onState: (state: SaveState) => void;
  /** Seconds to the next attempt. */
  readonly backoff?: (attempts: number) => number;
  readonly wait?: (callback: () => void, seconds: number) => unknown;
}

/** 1, 2, 4, 8, 15 s, each a little different so that a whole room does not come back at once. */
export const backoffSeconds = (attempts: number, random = Math.random()): number =>
  Math.min(2 ** (attempts - 1), 15) * (0.75 + random / 2);

/**
 * Saves one question's answer: one request at a time, only the newest value, again and again until
 * the server has said that it is stored. A repeated request keeps its sequence number, by which the
 * server recognises it.
 */
export class Autosave {
  #sequence: number;
  #newest: string;
  #pending: string | undefined;
  #inFlight: string | undefined;
  #attempts = 0;
  #wakeUp: (() => void) | undefined;
  #stopped = false;

  constructor(private readonly options: AutosaveOptions) {
    this.#sequence = options.sequence;
    this.#newest = options.value;
  }

  /** True while the server has not confirmed the newest value. */
  get dirty(): boolean {
    return this.#pending !== undefined || this.#inFlight !== undefined;
  }

  /** The value that was given last, saved or not. */
  get newest(): string {
    return this.#newest;
  }

  save(value: string): void {
    if (this.#stopped || value === this.#newest) return;
    this.#newest = value;
    this.#pending = value;
    // A save that waits for its next attempt takes the newer value then: a server that is just
    // coming back is not asked at every keystroke.
    if (this.#inFlight === undefined) void this.#run();
  }

  /** Tries again at once, for example when the network is back. */
  retryNow(): void {
    this.#wakeUp?.();
  }

  async #run(): Promise<void> {
    while (this.#takePending()) {
      if (this.#attempts === 0) this.options.onState({ kind: "saving" });
      const reply = await this.options.send(this.#sequence, this.#inFlight ?? "");
      switch (reply.kind) {
        case "saved":
          this.#inFlight = undefined;
          this.#attempts = 0;
          if (this.#pending === undefined) this.options.onState(reply);
          break;
        case "stale":
          this.#sequence = Math.max(reply.current, this.#sequence) + 1;
          break;
        case "refused":
          this.#stopped = true;
          this.options.onState(reply);
          return;
        default:
          await this.#pause(reply.kind);
      }
    }
  }

  /** Makes the newest value the one in flight; false when there is nothing to send. */
  #takePending(): boolean {
    if (this.#pending !== undefined) {
      this.#inFlight = this.#pending;
      this.#pending = undefined;
      this.#sequence += 1;
    }
    return this.#inFlight !== undefined;
  }

  async #pause(kind: "retry" | "signed-out"): Promise<void> {
    this.#attempts += 1;
    const seconds = (this.options.backoff ?? backoffSeconds)(this.#attempts);
    this.options.onState(
      kind === "signed-out"
        ? { kind }
        : { kind: "unsaved", attempts: this.#attempts, retrySeconds: seconds },
    );
    const wait = this.options.wait ?? ((callback, time) => setTimeout(callback, time * 1000));
    await new Promise<void>((resolve) => {
      this.#wakeUp = resolve;
      wait(resolve, seconds);
    });
    this.#wakeUp = undefined;
  }
}
