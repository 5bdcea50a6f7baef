import { STATUS_CODES } from "node:http";
import { html, type Html } from "../html";
import type { Problem } from "../problem";
import { layout, type PageContext } from "./layout";

export function errorPage(problem: Problem, context: PageContext): Html {
  const title =
    problem.status === 503 ? "Back in a moment" : (STATUS_CODES[problem.status] ?? "Error");
  return layout(
    {
      title,
      body: html`<section class="card narrow">
        <h1>${title}</h1>
        <p>${problem.message}</p>
        <p><a class="button" href="/">To the exams</a></p>
      </section>`,
    },
    context,
  );
}
