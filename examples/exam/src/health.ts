export interface DependencyHealth {
  readonly ok: boolean;
  readonly latencyMs: number;
  /** What failed, without addresses or secrets. */
  readonly error?: string;
}

export interface HealthReport {
  readonly status: "ok" | "unavailable" | "draining";
  readonly checks: Readonly<Record<string, DependencyHealth>>;
}

export type Probe = () => Promise<unknown>;

/** Asks every dependency, and keeps the answer for a moment so that probes add no load. */
export class Health {
  #checked: Promise<Readonly<Record<string, DependencyHealth>>> | undefined;
  #checkedAt = -Infinity;

  constructor(
    private readonly probes: Readonly<Record<string, Probe>>,
    private readonly timing = { keepMs: 1_000, timeoutMs: 1_500 },
  ) {}

  async report(draining: boolean): Promise<HealthReport> {
    const now = performance.now();
    if (this.#checked === undefined || now - this.#checkedAt >= this.timing.keepMs) {
      this.#checkedAt = now;
      this.#checked = this.#check();
    }
    const checks = await this.#checked;
    if (draining) return { status: "draining", checks };
    const ok = Object.values(checks).every((check) => check.ok);
    return { status: ok ? "ok" : "unavailable", checks };
  }

  async #check(): Promise<Readonly<Record<string, DependencyHealth>>> {
    const entries = Object.entries(this.probes).map(
      async ([name, probe]) => [name, await this.#ask(probe)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  async #ask(probe: Probe): Promise<DependencyHealth> {
    const started = performance.now();
    const latencyMs = (): number => Math.round((performance.now() - started) * 10) / 10;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error("no answer in time"));
      }, this.timing.timeoutMs);
    });
    try {
      await Promise.race([probe(), timeout]);
      return { ok: true, latencyMs: latencyMs() };
    } catch (error) {
      return { ok: false, latencyMs: latencyMs(), error: errorWord(error) };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A code where there is one: messages can hold addresses. */
function errorWord(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  if ("code" in error && typeof error.code === "string") return error.code;
  return error.message === "no answer in time" ? error.message : error.name;
}
