import type { Answer } from "../answers";
import { type Exam, examState, type Question, type Sitting } from "../exams";
import { html, type Html } from "../html";
import { count, layout, moment, notice, type PageContext } from "./layout";

export interface ReviewPage {
  readonly exam: Exam;
  readonly questions: readonly Question[];
  readonly saved: readonly Answer[];
  readonly sitting: Sitting;
}

export function reviewPage(page: ReviewPage, context: PageContext): Html {
  const { exam, questions, saved } = page;
  const answers = new Map(saved.map((answer) => [answer.questionId, answer]));
  const given = saved.filter((answer) => answer.value !== "").length;
  return layout(
    {
      title: `${exam.title}: review`,
      body: html`<h1>${exam.title}</h1>
        ${state(page)}
        <p class="facts">${given} of ${count(questions.length, "question")} answered</p>
        ${questions.map((question) => reviewed(question, answers.get(question.id)))}
        <p><a class="button" href="/">To the exams</a></p>`,
    },
    context,
  );
}

function state({ exam, sitting }: ReviewPage): Html {
  if (sitting.submittedAt !== null) {
    return notice("info", html`Handed in ${moment(sitting.submittedAt)}. These answers count.`);
  }
  return examState(exam, Date.now()) === "open"
    ? notice("info", html`Not handed in yet. <a href="/exams/${exam.id}">Go on writing</a>`)
    : notice("info", "The exam is over. The answers below were saved in time and count.");
}

function reviewed(question: Question, answer: Answer | undefined): Html {
  const chosen = question.options.find((option) => option.key === answer?.value)?.text;
  const shown = question.kind === "choice" ? chosen : answer?.value;
  return html`<section class="card question review">
    <h2 class="legend">
      <span class="number">${question.position}</span> ${question.prompt}
      <small class="credit">${count(question.points, "point")}</small>
    </h2>
    ${
      shown === undefined || shown === ""
        ? html`<p class="empty">No answer.</p>`
        : html`<div class="given">${shown}</div>`
    }
    ${answer !== undefined && html`<p class="save-state">Saved ${moment(answer.savedAt)}</p>`}
  </section>`;
}
