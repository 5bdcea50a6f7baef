import type { FastifyInstance } from "fastify";
import type { SaveResult } from "../answers";
import type { Config } from "../config";
import { type Exam, examState } from "../exams";
import { notFound, parseInput, Problem } from "../problem";
import type { Services } from "../services";
import { loadSession, requireStudent, signIn } from "../session-hook";
import { answerBody, examParams, historyQuery, signInForm } from "./inputs";
import { checkStudent } from "./sign-in";

const HISTORY_PAGE = 1_000;

/** What programs use: the exam page's script, and load tests. */
export function apiRoutes(root: FastifyInstance, config: Config, services: Services): void {
  const { exams, answers, sessions, rateLimiter } = services;
  void root.register((app, _options, done) => {
    app.addHook("preValidation", loadSession(sessions));

    app.post("/api/sign-in", async (request, reply) => {
      const student = await checkStudent(
        parseInput(signInForm, request.body),
        request.ip,
        config,
        services,
      );
      await signIn(request, reply, sessions, { role: "student", ...student });
      return { number: student.number, name: student.name };
    });

    app.get("/api/exams", async () => ({ exams: (await exams.published()).map(publicExam) }));

    app.post("/api/exams/:id/start", async (request) => {
      const { studentId } = requireStudent(request);
      const { id } = parseInput(examParams, request.params);
      await exams.start(studentId, id);
      const sitting = await exams.sitting(studentId, id);
      if (sitting === null) throw new Problem(409, "closed", "This exam is not open.");
      return sitting;
    });

    app.get("/api/exams/:id/questions", async (request) => {
      const { studentId } = requireStudent(request);
      const { id } = parseInput(examParams, request.params);
      if ((await exams.sitting(studentId, id)) === null) throw notFound();
      return { questions: await exams.questions(id) };
    });

    app.get("/api/exams/:id/answers", async (request) => {
      const { studentId } = requireStudent(request);
      const { id } = parseInput(examParams, request.params);
      return { answers: await answers.current(studentId, id) };
    });

    app.get("/api/answers/history", async (request) => {
      const { studentId } = requireStudent(request);
      const { question, after } = parseInput(historyQuery, request.query);
      const page = await answers.history(studentId, question, after, HISTORY_PAGE);
      return { answers: page, more: page.length === HISTORY_PAGE };
    });

    app.post("/api/answers", async (request) => {
      const { studentId, number } = requireStudent(request);
      await rateLimiter.hit("student", number, config.rateLimitPerMinute);
      const body = parseInput(answerBody, request.body);
      return savedOrRefused(await answers.save({ studentId, ...body }));
    });
    done();
  });
}

const publicExam = (exam: Exam) => ({
  id: exam.id,
  title: exam.title,
  state: examState(exam, Date.now()),
  opensAt: exam.opensAt,
  closesAt: exam.closesAt,
  questionCount: exam.questionCount,
});

function savedOrRefused(result: SaveResult): { savedAt: Date } {
  switch (result.kind) {
    case "saved":
      return { savedAt: result.savedAt };
    case "stale":
      throw new Problem(409, "stale", "A later answer is stored already.", {
        current: result.current,
      });
    case "unknown_question":
      throw new Problem(404, "unknown_question", "There is no such question.");
    case "not_started":
      throw new Problem(409, "not_started", "Start the exam first.");
    case "submitted":
      throw new Problem(409, "submitted", "This exam has been handed in.");
    case "closed":
      throw new Problem(409, "closed", "This exam is not open.");
    case "not_an_option":
      throw new Problem(400, "not_an_option", "This is not one of the options.");
  }
}
