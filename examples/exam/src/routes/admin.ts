import { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Assets } from "../assets";
import type { Config } from "../config";
import { csvLine } from "../csv";
import { notFound, parseInput } from "../problem";
import type { Services } from "../services";
import { equalTexts } from "../sessions";
import { loadSession, requireAdmin, signIn } from "../session-hook";
import { adminPage, adminSignInPage } from "../views/admin";
import type { PageContext } from "../views/layout";
import { adminSignInForm, examParams, extendForm } from "./inputs";
import { sendPage } from "./pages";
import { ATTEMPTS_PER_MINUTE } from "./sign-in";

const CHART_MINUTES = 30;
const ACTIVE_SECONDS = 300;
const EXPORT_STUDENTS = 100;

/** The administrator's page; without a password in the configuration it does not exist. */
export function adminRoutes(
  root: FastifyInstance,
  config: Config,
  services: Services,
  assets: Assets,
): void {
  const { adminPassword } = config;
  if (adminPassword === undefined) return;
  const { exams, sessions, rateLimiter } = services;
  const context = (request: FastifyRequest): PageContext => ({
    session: request.session,
    replica: config.replica,
    assets,
  });
  void root.register((app, _options, done) => {
    app.addHook("preValidation", loadSession(sessions));

    app.get("/admin/sign-in", (request, reply) =>
      sendPage(reply, adminSignInPage(undefined, context(request))),
    );

    app.post("/admin/sign-in", async (request, reply) => {
      await rateLimiter.hit("admin-address", request.ip, ATTEMPTS_PER_MINUTE);
      const form = adminSignInForm.safeParse(request.body);
      if (!form.success || !equalTexts(form.data.password, adminPassword)) {
        const page = adminSignInPage("That is not the password.", context(request));
        return sendPage(reply.code(403), page);
      }
      await signIn(request, reply, sessions, { role: "admin" });
      return reply.redirect("/admin", 303);
    });

    app.get("/admin", async (request, reply) => {
      requireAdmin(request);
      return sendPage(reply, adminPage(await exams.list(null), context(request)));
    });

    changeRoutes(app, services);
    reportRoutes(app, services);
    done();
  });
}

function changeRoutes(app: FastifyInstance, { exams, countdown }: Services): void {
  const change = async (
    request: FastifyRequest,
    action: (examId: number) => Promise<void>,
  ): Promise<void> => {
    requireAdmin(request);
    const { id } = parseInput(examParams, request.params);
    await action(id);
    const exam = await exams.find(id);
    if (exam === null) throw notFound();
    await countdown.announce(exam);
  };

  app.post("/admin/exams/:id/open", async (request, reply) => {
    await change(request, (id) => exams.open(id));
    return reply.redirect("/admin", 303);
  });
  app.post("/admin/exams/:id/close", async (request, reply) => {
    await change(request, (id) => exams.close(id));
    return reply.redirect("/admin", 303);
  });
  app.post("/admin/exams/:id/extend", async (request, reply) => {
    await change(request, (id) => {
      const { closesAt, minutes } = parseInput(extendForm, request.body);
      return exams.extend(id, closesAt, minutes);
    });
    return reply.redirect("/admin", 303);
  });
}

function reportRoutes(
  app: FastifyInstance,
  { exams, answers, sessions, countdown }: Services,
): void {
  app.get("/api/admin/stats", async (request) => {
    requireAdmin(request);
    const [activeStudents, perMinute, list] = await Promise.all([
      sessions.countActive(ACTIVE_SECONDS),
      answers.perMinute(CHART_MINUTES),
      exams.list(null),
    ]);
    return {
      now: new Date(),
      activeStudents,
      socketsHere: countdown.size,
      minutes: CHART_MINUTES,
      perMinute,
      exams: list.map((exam) => ({ id: exam.id, closesAt: exam.closesAt })),
    };
  });

  app.get("/admin/exams/:id/answers.csv", async (request, reply) => {
    requireAdmin(request);
    const { id } = parseInput(examParams, request.params);
    if ((await exams.find(id)) === null) throw notFound();
    reply.header("content-disposition", `attachment; filename="exam-${String(id)}-answers.csv"`);
    return reply.type("text/csv; charset=utf-8").send(Readable.from(csvRows(answers, id)));
  });
}

async function* csvRows(
  answers: Services["answers"],
  examId: number,
): AsyncGenerator<string, void, undefined> {
  yield csvLine(["student", "name", "question", "sequence", "saved_at", "answer"]);
  for await (const batch of answers.export(examId, EXPORT_STUDENTS)) {
    yield batch
      .map((row) =>
        csvLine([
          row.number,
          row.name,
          String(row.position),
          String(row.sequence),
          row.savedAt.toISOString(),
          row.value,
        ]),
      )
      .join("");
  }
}
