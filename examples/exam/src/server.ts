import cluster from "node:cluster";
import { join } from "node:path";
import pino, { type Logger } from "pino";
import { buildApp } from "./app";
import { readAssets } from "./assets";
import { type Config, ConfigurationError, readConfig } from "./config";
import { loggerOptions } from "./log";
import { type Services, startServices } from "./services";
import { sleep } from "./transient";
import type { FastifyInstance } from "fastify";

/** After this long requests in flight are cut off; the whole stop stays below 30 s. */
const FINISH_SECONDS = 20;
const RESPAWN_MS = 1_000;
const SIGNALS = ["SIGTERM", "SIGINT"] as const;

async function serve(config: Config, log: Logger): Promise<void> {
  const services = startServices(config, log);
  const app = await buildApp(config, services, readAssets(join(__dirname, "public")), log);
  await app.listen({ port: config.port, host: "0.0.0.0", backlog: 16_384 });
  let stopping = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void stop(app, services, config, log);
    });
  }
}

/**
 * First says that it is going and answers on for a while, so that no proxy sends requests to a port
 * that is closed; then ends what is left.
 */
async function stop(
  app: FastifyInstance,
  services: Services,
  config: Config,
  log: Logger,
): Promise<void> {
  log.info({ seconds: config.drainSeconds }, "draining");
  services.lifecycle.startDraining();
  await sleep(config.drainSeconds * 1000);
  setTimeout(() => {
    log.error({ seconds: FINISH_SECONDS }, "requests were still in flight; giving up");
    process.exit(1);
  }, FINISH_SECONDS * 1000).unref();
  services.countdown.close();
  await app.close();
  await services.close();
  log.info("stopped");
  process.exit(0);
}

/** Runs the workers and replaces one that dies, until it is told to stop. */
function supervise(config: Config, log: Logger): void {
  let stopping = false;
  for (let index = 0; index < config.workers; index += 1) cluster.fork();
  cluster.on("exit", (worker, code, signal) => {
    if (stopping) {
      // A worker that had not begun to listen yet is ended by the signal itself.
      if (code !== 0 && signal !== "SIGTERM") process.exitCode = 1;
      return;
    }
    log.error({ worker: worker.id, code, signal }, "worker died");
    setTimeout(() => {
      if (!stopping) cluster.fork();
    }, RESPAWN_MS);
  });
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      stopping = true;
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGTERM");
    });
  }
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = pino(loggerOptions(config.logLevel));
  if (cluster.isPrimary && config.workers > 1) {
    supervise(config, log);
    return;
  }
  await serve(config, log);
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    error instanceof ConfigurationError
      ? `exam: ${reason}\n`
      : `exam: the server could not start: ${reason}\n`,
  );
  process.exit(1);
});
