import type { FastifyInstance, FastifyRequest } from "fastify";
import { notFound, parseInput } from "../problem";
import type { Services } from "../services";
import { loadSession } from "../session-hook";
import { Problem } from "../problem";
import { examQuery } from "./inputs";

export function socketRoutes(app: FastifyInstance, services: Services): void {
  const { countdown, exams, sessions } = services;
  const findExam = async (request: FastifyRequest) => {
    const exam = await exams.find(parseInput(examQuery, request.query).exam);
    if (exam === null) throw notFound();
    return exam;
  };
  app.get(
    "/ws/countdown",
    {
      websocket: true,
      // Refused before the connection is upgraded, so that the browser sees why.
      preValidation: [
        loadSession(sessions),
        async (request) => {
          if (request.session === null) throw new Problem(401, "signed_out", "Sign in to go on.");
          await findExam(request);
        },
      ],
    },
    async (socket, request) => {
      countdown.add(socket, await findExam(request));
    },
  );
}
