import type { Answer } from "../answers";
import { type Exam, examState, type Question } from "../exams";
import { html, type Html } from "../html";
import type { StudentSession } from "../sessions";
import { count, layout, moment, notice, type PageContext } from "./layout";

export interface ExamPage {
  readonly exam: Exam;
  readonly questions: readonly Question[];
  readonly saved: readonly Answer[];
  readonly student: StudentSession;
}

/** Before the exam is started. */
export function startPage(exam: Exam, context: PageContext): Html {
  const open = examState(exam, Date.now()) === "open";
  return layout(
    {
      title: exam.title,
      body: html`<section class="card narrow">
        <h1>${exam.title}</h1>
        <p class="lead">${exam.description}</p>
        <ul class="points">
          <li>${count(exam.questionCount, "question")}, in any order.</li>
          <li>
            ${
              exam.closesAt === null
                ? "There is no time limit."
                : html`The exam ends at ${moment(exam.closesAt, "time")}.`
            }
          </li>
          <li>
            Every answer is saved as you give it. The line below a question says whether it is.
          </li>
          <li>
            If the connection is lost, go on writing: it is saved once the connection is back.
          </li>
        </ul>
        ${
          open
            ? html`<form method="post" action="/exams/${exam.id}/start">
                <button class="primary">Start the exam</button>
              </form>`
            : notice("info", "This exam is not open.")
        }
      </section>`,
    },
    context,
  );
}

/** The exam itself; its script saves the answers. */
export function examPage(
  { exam, questions, saved, student }: ExamPage,
  context: PageContext,
): Html {
  const answers = new Map(saved.map((answer) => [answer.questionId, answer]));
  return layout(
    {
      title: exam.title,
      scripts: ["exam.js"],
      body: html`<div
        id="exam"
        data-exam="${exam.id}"
        data-student="${student.number}"
        data-now="${Date.now()}"
        data-closes-at="${exam.closesAt?.toISOString()}"
      >
        <noscript
          >${notice("error", "Switch JavaScript on: answers are saved by a script.")}</noscript
        >
        <div class="status-bar">
          <div class="status-title">
            <h1>${exam.title}</h1>
            <p id="progress" class="facts"></p>
          </div>
          <div class="clock" role="timer" aria-live="off">
            <span id="remaining">–</span><small id="link">connecting …</small>
          </div>
          <p id="overall" class="save-state" role="status"></p>
        </div>
        <div id="messages" aria-live="polite"></div>
        ${questions.map((question) => questionCard(question, answers.get(question.id)))}
        <div class="card submit">
          <div>
            <h2>Hand in</h2>
            <p>After this, answers can be read but not changed.</p>
          </div>
          <button type="button" class="primary" id="submit">Hand in …</button>
        </div>
        <dialog id="confirm" aria-labelledby="confirm-title">
          <h2 id="confirm-title">Hand in now?</h2>
          <p id="confirm-text"></p>
          <form method="post" action="/exams/${exam.id}/submit" class="buttons">
            <button type="button" id="cancel">Go on writing</button>
            <button class="primary">Hand in</button>
          </form>
        </dialog>
      </div>`,
    },
    context,
  );
}

function questionCard(question: Question, answer: Answer | undefined): Html {
  const name = `q${String(question.id)}`;
  return html`<fieldset
    class="card question"
    data-question="${question.id}"
    data-sequence="${answer?.sequence ?? 0}"
    data-saved-at="${answer?.savedAt.toISOString()}"
  >
    <legend>
      <span class="number">${question.position}</span> ${question.prompt}
      <small class="credit">${count(question.points, "point")}</small>
    </legend>
    ${question.kind === "choice" ? choice(question, name, answer) : text(question, name, answer)}
    <p class="save-state" role="status"></p>
  </fieldset>`;
}

function choice(question: Question, name: string, answer: Answer | undefined): Html {
  return html`<div class="options">
    ${question.options.map(
      (option) =>
        html`<label class="option">
          <input
            type="radio"
            name="${name}"
            value="${option.key}"
            autocomplete="off"
            ${answer?.value === option.key && html`checked`}
          />
          <span>${option.text}</span>
        </label>`,
    )}
  </div>`;
}

function text(question: Question, name: string, answer: Answer | undefined): Html {
  // A line break right after the tag is dropped by browsers: this one is theirs to drop.
  return html`<textarea
    name="${name}"
    rows="${question.points > 3 ? 8 : 4}"
    maxlength="20000"
    autocomplete="off"
    aria-label="Answer to question ${question.position}"
  >
${answer?.value}</textarea>`;
}
