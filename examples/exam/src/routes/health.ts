import type { FastifyInstance } from "fastify";
import type { Services } from "../services";

/** `/live`: the process runs. `/health`: it can do its work, and wants to get more. */
export function healthRoutes(app: FastifyInstance, { health, lifecycle }: Services): void {
  app.get("/live", () => ({ status: "ok" }));
  app.get("/health", async (_request, reply) => {
    const report = await health.report(lifecycle.draining);
    return reply.code(report.status === "ok" ? 200 : 503).send(report);
  });
}
