import { backoffSeconds } from "./autosave";
import { byId } from "./dom";
import { formatRemaining } from "./format";
import { numberField, textField } from "./json";

const SOON_SECONDS = 300;
/** Ticks come every second: this long without one, the line is not live. */
const SILENCE_MS = 6_000;

/**
 * The clock of the exam page. The server says when the exam ends and what time it is; between its
 * ticks, and while it cannot be reached, the clock goes on by itself.
 */
export class Countdown {
  #offsetMs: number;
  #closesAt: number | undefined;
  #lastTick = 0;
  #attempts = 0;
  #ended = false;

  constructor(
    private readonly examId: string,
    now: number,
    closesAt: string | undefined,
    private readonly onEnd: () => void,
    private readonly onExtended: (closesAt: string) => void,
  ) {
    this.#offsetMs = now - Date.now();
    this.#closesAt = closesAt === undefined ? undefined : Date.parse(closesAt);
    this.#connect();
    setInterval(() => {
      this.#show();
    }, 250);
    this.#show();
  }

  #connect(): void {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}/ws/countdown?exam=${this.examId}`);
    socket.addEventListener("message", (event) => {
      this.#attempts = 0;
      if (typeof event.data === "string") this.#receive(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => {
      this.#attempts += 1;
      setTimeout(
        () => {
          this.#connect();
        },
        backoffSeconds(this.#attempts) * 1000,
      );
    });
  }

  #receive(message: unknown): void {
    this.#lastTick = performance.now();
    const now = numberField(message, "now");
    if (now !== undefined) this.#offsetMs = now - Date.now();
    const text = textField(message, "closesAt");
    const closesAt = text === undefined ? undefined : Date.parse(text);
    const former = this.#closesAt;
    this.#closesAt = closesAt;
    if (text !== undefined && closesAt !== undefined && former !== undefined && closesAt > former) {
      this.onExtended(text);
    }
    if (textField(message, "state") !== "open") this.#end();
    this.#show();
  }

  #show(): void {
    const live = performance.now() - this.#lastTick < SILENCE_MS && this.#lastTick > 0;
    const link = byId("link");
    if (this.#closesAt === undefined) {
      byId("remaining").textContent = "No limit";
      link.textContent = live ? "live" : "connecting …";
      return;
    }
    const seconds = Math.max(0, Math.ceil((this.#closesAt - (Date.now() + this.#offsetMs)) / 1000));
    byId("remaining").textContent = formatRemaining(seconds);
    byId("remaining").parentElement?.classList.toggle("soon", seconds <= SOON_SECONDS);
    link.textContent = live ? "left, live" : "left, connecting …";
    if (seconds === 0) this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.onEnd();
  }
}
