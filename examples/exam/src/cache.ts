import type { FastifyBaseLogger } from "fastify";
import { Redis, type RedisOptions } from "ioredis";

/** Every key of this application begins with it, so that the store can be shared. */
export const KEY_PREFIX = "exam:";

export interface Cache {
  readonly commands: Redis;
  /** A connection of its own: a subscribed connection takes no other commands. */
  readonly subscriber: Redis;
  close(): void;
}

const SUBSCRIBER_PING_MS = 5_000;

export function connectCache(url: string, log: FastifyBaseLogger): Cache {
  const commands = connect(url, log, { commandTimeout: 3_000 });
  const subscriber = connect(url, log, { maxRetriesPerRequest: null });
  // A subscriber only listens, so a network that fell silent would go unnoticed without this.
  const heartbeat = setInterval(() => {
    if (subscriber.status === "ready") subscriber.ping().catch(() => undefined);
  }, SUBSCRIBER_PING_MS);
  return {
    commands,
    subscriber,
    close: () => {
      clearInterval(heartbeat);
      commands.disconnect();
      subscriber.disconnect();
    },
  };
}

function connect(
  url: string,
  log: FastifyBaseLogger,
  options: Pick<RedisOptions, "commandTimeout" | "maxRetriesPerRequest">,
): Redis {
  const client = new Redis(url, {
    connectTimeout: 2_000,
    socketTimeout: 5_000,
    maxRetriesPerRequest: 2,
    enableAutoPipelining: true,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 5), 2_000),
    // A former primary answers READONLY: connect again and repeat the command there.
    reconnectOnError: (error) => (error.message.startsWith("READONLY") ? 2 : false),
    ...options,
  });
  let reported = "";
  client.on("error", (error: Error) => {
    // Each attempt fails the same way; one line says it.
    if (error.message !== reported) log.warn({ reason: error.message }, "cache connection failed");
    reported = error.message;
  });
  client.on("ready", () => {
    if (reported !== "") log.info("cache connection restored");
    reported = "";
  });
  return client;
}
