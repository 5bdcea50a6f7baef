import type { FastifyBaseLogger } from "fastify";
import { Answers } from "./answers";
import { connectCache } from "./cache";
import type { Config } from "./config";
import { CountdownHub, CountdownTicker } from "./countdown";
import { Database } from "./database";
import { Exams } from "./exams";
import { Health } from "./health";
import { Lifecycle } from "./lifecycle";
import { RateLimiter } from "./rate-limit";
import { Sessions } from "./sessions";

/** Everything that the routes work with. */
export interface Services {
  readonly exams: Exams;
  readonly answers: Answers;
  readonly sessions: Sessions;
  readonly rateLimiter: RateLimiter;
  readonly countdown: CountdownHub;
  readonly health: Health;
  readonly lifecycle: Lifecycle;
  close(): Promise<void>;
}

export function startServices(config: Config, log: FastifyBaseLogger): Services {
  const { databaseUrl, databaseReadUrl, retrySeconds } = config;
  const database = new Database({ url: databaseUrl, size: config.poolSize, retrySeconds, log });
  const reads = new Database({ url: databaseReadUrl, size: config.poolSize, retrySeconds, log });
  // A connection of its own: a pool that is busy with work is not a database that is away.
  const probe = new Database({ url: databaseUrl, size: 1, retrySeconds: 0, log });
  const cache = connectCache(config.redisUrl, log);
  const exams = new Exams(database, reads);
  const ticker = new CountdownTicker(cache.commands, () => exams.list(null), log);
  const countdown = new CountdownHub(
    cache.commands,
    cache.subscriber,
    () => {
      ticker.invalidate();
    },
    log,
  );
  return {
    exams,
    answers: new Answers(database, reads),
    sessions: new Sessions(cache.commands, config.sessionSecret),
    rateLimiter: new RateLimiter(cache.commands),
    countdown,
    health: new Health({
      database: () => probe.queryOnce("SELECT 1"),
      cache: () => cache.commands.ping(),
    }),
    lifecycle: new Lifecycle(),
    close: async () => {
      ticker.stop();
      await Promise.all([database.close(), reads.close(), probe.close()]);
      cache.close();
    },
  };
}
