import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Assets } from "../assets";
import type { Config } from "../config";
import { examState } from "../exams";
import type { Html } from "../html";
import { notFound, parseInput, Problem } from "../problem";
import type { Services } from "../services";
import { loadSession, requireStudent, signIn, signOut } from "../session-hook";
import { examPage, startPage } from "../views/exam";
import { examListPage } from "../views/exam-list";
import type { PageContext } from "../views/layout";
import { reviewPage } from "../views/review";
import { signInPage } from "../views/sign-in";
import { examParams, localPath, signInForm } from "./inputs";
import { checkStudent } from "./sign-in";

export const sendPage = (reply: FastifyReply, page: Html): FastifyReply =>
  reply.type("text/html; charset=utf-8").send(page.toString());

/** The pages that students see. `GET /` needs no sign-in and reads the database. */
export function pageRoutes(
  root: FastifyInstance,
  config: Config,
  services: Services,
  assets: Assets,
): void {
  const { exams, sessions } = services;
  const context = (request: FastifyRequest): PageContext => ({
    session: request.session,
    replica: config.replica,
    assets,
  });
  void root.register((app, _options, done) => {
    app.addHook("preValidation", loadSession(sessions));

    app.get("/", async (request, reply) => {
      const { session } = request;
      const list = session?.role === "student" ? exams.list(session.studentId) : exams.published();
      return sendPage(reply, examListPage(await list, context(request)));
    });

    app.get<{ Querystring: { next?: unknown } }>("/sign-in", (request, reply) => {
      const next = typeof request.query.next === "string" ? localPath(request.query.next) : "/";
      return sendPage(reply, signInPage({ next, demo: config.demo }, context(request)));
    });

    app.post("/sign-in", async (request, reply) => {
      const form = signInForm.safeParse(request.body);
      const next = localPath(form.data?.next ?? "/");
      try {
        const student = await checkStudent(
          parseInput(signInForm, request.body),
          request.ip,
          config,
          services,
        );
        await signIn(request, reply, sessions, { role: "student", ...student });
        return await reply.redirect(next, 303);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        const message =
          error.code === "invalid_input" ? "Give your student number and code." : error.message;
        const number = form.data?.number ?? "";
        const page = signInPage({ next, demo: config.demo, message, number }, context(request));
        return sendPage(reply.code(error.status), page);
      }
    });

    app.post("/sign-out", async (request, reply) => {
      await signOut(request, reply, sessions);
      return reply.redirect("/", 303);
    });

    examRoutes(app, services, context);
    done();
  });
}

function examRoutes(
  app: FastifyInstance,
  { exams, answers }: Services,
  context: (request: FastifyRequest) => PageContext,
): void {
  const load = async (request: FastifyRequest) => {
    const student = requireStudent(request);
    const { id } = parseInput(examParams, request.params);
    const exam = await exams.find(id);
    if (exam === null) throw notFound();
    return { student, exam, sitting: await exams.sitting(student.studentId, id) };
  };

  app.get("/exams/:id", async (request, reply) => {
    const { student, exam, sitting } = await load(request);
    if (sitting === null) return sendPage(reply, startPage(exam, context(request)));
    if (sitting.submittedAt !== null || examState(exam, Date.now()) !== "open") {
      return reply.redirect(`/exams/${String(exam.id)}/review`, 303);
    }
    const [questions, saved] = await Promise.all([
      exams.questions(exam.id),
      answers.current(student.studentId, exam.id),
    ]);
    return sendPage(reply, examPage({ exam, questions, saved, student }, context(request)));
  });

  app.post("/exams/:id/start", async (request, reply) => {
    const { student, exam } = await load(request);
    await exams.start(student.studentId, exam.id);
    return reply.redirect(`/exams/${String(exam.id)}`, 303);
  });

  app.post("/exams/:id/submit", async (request, reply) => {
    const { student, exam } = await load(request);
    await exams.submit(student.studentId, exam.id);
    return reply.redirect(`/exams/${String(exam.id)}/review`, 303);
  });

  app.get("/exams/:id/review", async (request, reply) => {
    const { student, exam, sitting } = await load(request);
    if (sitting === null) return reply.redirect(`/exams/${String(exam.id)}`, 303);
    const [questions, saved] = await Promise.all([
      exams.questions(exam.id),
      answers.current(student.studentId, exam.id),
    ]);
    return sendPage(reply, reviewPage({ exam, questions, saved, sitting }, context(request)));
  });
}
