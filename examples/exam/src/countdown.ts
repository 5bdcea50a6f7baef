import { randomUUID } from "node:crypto";
import type { FastifyBaseLogger } from "fastify";
import type { Redis } from "ioredis";
import { WebSocket } from "ws";
import { z } from "zod";
import { KEY_PREFIX } from "./cache";
import { type Exam, examState } from "./exams";

/** Channels are common to all numbered databases of a store, keys are not: so it is in the name. */
const channelOf = (redis: Redis): string =>
  `${KEY_PREFIX}${String(redis.options.db ?? 0)}:countdown`;
const LEADER_KEY = `${KEY_PREFIX}countdown-leader`;
const TICK_MS = 1_000;
/** How often the publisher looks the ends up; changes are announced at once anyway. */
const REFRESH_MS = 5_000;
/** The close code that tells a browser to connect again. */
const GOING_AWAY = 1001;
const HEARTBEAT_MS = 20_000;
/** A socket that has this much unsent is not listening; more would only fill memory. */
const MAX_BUFFERED_BYTES = 64 * 1024;

const timesSchema = z.object({
  id: z.number(),
  opensAt: z.string().nullable(),
  closesAt: z.string().nullable(),
});
const messageSchema = z.object({
  type: z.enum(["tick", "changed"]),
  now: z.number(),
  exams: z.array(timesSchema),
});
type CountdownMessage = z.output<typeof messageSchema>;
type ExamTimes = z.output<typeof timesSchema>;

const timesOf = (exam: Exam): ExamTimes => ({
  id: exam.id,
  opensAt: exam.opensAt?.toISOString() ?? null,
  closesAt: exam.closesAt?.toISOString() ?? null,
});

/** What a browser receives. */
export function clientMessage(
  type: CountdownMessage["type"],
  now: number,
  times: ExamTimes,
): string {
  const date = (text: string | null): Date | null => (text === null ? null : new Date(text));
  const closesAt = date(times.closesAt);
  return JSON.stringify({
    type,
    now,
    examId: times.id,
    state: examState({ opensAt: date(times.opensAt), closesAt }, now),
    closesAt: times.closesAt,
    remainingSeconds:
      closesAt === null ? null : Math.max(0, Math.ceil((closesAt.getTime() - now) / 1000)),
  });
}

/** Hands what any replica publishes to the browsers connected to this process. */
export class CountdownHub {
  readonly #sockets = new Map<number, Set<WebSocket>>();
  readonly #alive = new WeakSet<WebSocket>();
  readonly #heartbeat: NodeJS.Timeout;
  #closed = false;

  constructor(
    private readonly redis: Redis,
    subscriber: Redis,
    /** Called when the times of an exam were changed, here or on another replica. */
    private readonly onChanged: () => void,
    private readonly log: FastifyBaseLogger,
  ) {
    subscriber.on("message", (_channel: string, text: string) => {
      this.#receive(text);
    });
    subscriber.subscribe(channelOf(subscriber)).catch((error: unknown) => {
      log.warn({ err: error }, "cannot subscribe to the countdown");
    });
    this.#heartbeat = setInterval(() => {
      this.#dropDeadSockets();
    }, HEARTBEAT_MS);
  }

  get size(): number {
    return [...this.#sockets.values()].reduce((sum, sockets) => sum + sockets.size, 0);
  }

  add(socket: WebSocket, exam: Exam): void {
    if (this.#closed) {
      socket.close(GOING_AWAY, "the server is stopping");
      return;
    }
    const sockets = this.#sockets.get(exam.id) ?? new Set();
    this.#sockets.set(exam.id, sockets.add(socket));
    this.#alive.add(socket);
    socket.on("pong", () => {
      this.#alive.add(socket);
    });
    socket.on("close", () => {
      sockets.delete(socket);
    });
    socket.on("error", () => {
      socket.terminate();
    });
    socket.send(clientMessage("tick", Date.now(), timesOf(exam)));
  }

  /** Tells every replica that the times of an exam are different now. */
  async announce(exam: Exam): Promise<void> {
    await publish(this.redis, "changed", [timesOf(exam)]);
  }

  /** Ends all connections; the browsers connect again elsewhere. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    for (const socket of this.#all()) socket.close(GOING_AWAY, "the server is stopping");
  }

  #receive(text: string): void {
    const parsed = messageSchema.safeParse(safeJson(text));
    if (!parsed.success) {
      this.log.warn("a countdown message could not be read");
      return;
    }
    const { type, now, exams } = parsed.data;
    if (type === "changed") this.onChanged();
    for (const times of exams) {
      const sockets = this.#sockets.get(times.id);
      if (sockets === undefined || sockets.size === 0) continue;
      const message = clientMessage(type, now, times);
      for (const socket of sockets) {
        if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < MAX_BUFFERED_BYTES) {
          socket.send(message);
        }
      }
    }
  }

  #dropDeadSockets(): void {
    for (const socket of this.#all()) {
      if (this.#alive.delete(socket)) socket.ping();
      else socket.terminate();
    }
  }

  #all(): WebSocket[] {
    return [...this.#sockets.values()].flatMap((sockets) => [...sockets]);
  }
}

/**
 * Publishes the time once a second. Every process runs one; the store decides which of them speaks,
 * and another takes over within three seconds when that one is gone.
 */
export class CountdownTicker {
  readonly #id = randomUUID();
  readonly #timer: NodeJS.Timeout;
  #busy = false;
  #refreshing = false;
  #exams: readonly Exam[] = [];
  #refreshedAt = -Infinity;

  constructor(
    private readonly redis: Redis,
    private readonly listExams: () => Promise<readonly Exam[]>,
    private readonly log: FastifyBaseLogger,
  ) {
    this.#timer = setInterval(() => {
      void this.#tick();
    }, TICK_MS);
  }

  /** Looks the times up again before the next tick; until then nothing is told that may be old. */
  invalidate(): void {
    this.#exams = [];
    this.#refreshedAt = -Infinity;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #tick(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      if (!(await this.#isLeader())) return;
      void this.#refresh();
      const now = Date.now();
      const running = this.#exams.filter((exam) => isTicking(exam, now));
      if (running.length > 0) await publish(this.redis, "tick", running.map(timesOf));
    } catch (error) {
      // The connections say themselves when they are lost; browsers keep counting meanwhile.
      this.log.debug({ err: error }, "countdown tick failed");
    } finally {
      this.#busy = false;
    }
  }

  async #isLeader(): Promise<boolean> {
    const milliseconds = 3 * TICK_MS;
    const taken = await this.redis.set(LEADER_KEY, this.#id, "PX", milliseconds, "NX");
    if (taken === "OK") return true;
    if ((await this.redis.get(LEADER_KEY)) !== this.#id) return false;
    await this.redis.pexpire(LEADER_KEY, milliseconds);
    return true;
  }

  /** Runs beside the ticks: they go on with what is known while the database is away. */
  async #refresh(): Promise<void> {
    if (this.#refreshing || performance.now() - this.#refreshedAt < REFRESH_MS) return;
    this.#refreshing = true;
    const began = (this.#refreshedAt = performance.now());
    try {
      const exams = await this.listExams();
      // Changed while the list was on its way: the next tick asks again.
      if (this.#refreshedAt === began) this.#exams = exams;
    } catch (error) {
      this.log.debug({ err: error }, "countdown times could not be read");
    } finally {
      this.#refreshing = false;
    }
  }
}

/** Open, or ended so recently that a browser may not know it yet. */
const isTicking = (exam: Exam, now: number): boolean =>
  examState(exam, now) === "open" || examState(exam, now - 10 * TICK_MS) === "open";

async function publish(
  redis: Redis,
  type: CountdownMessage["type"],
  exams: ExamTimes[],
): Promise<void> {
  const message: CountdownMessage = { type, now: Date.now(), exams };
  await redis.publish(channelOf(redis), JSON.stringify(message));
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
