import { examState, type ListedExam } from "../exams";
import { html, type Html } from "../html";
import { count, layout, moment, type PageContext } from "./layout";

export function examListPage(exams: readonly ListedExam[], context: PageContext): Html {
  const now = Date.now();
  const open = exams.filter((exam) => examState(exam, now) === "open");
  const others = exams.filter((exam) => examState(exam, now) !== "open");
  return layout(
    {
      title: "Exams",
      body: html`<h1>Exams</h1>
        <section aria-labelledby="open">
          <h2 id="open">Open now</h2>
          ${
            open.length === 0
              ? html`<p class="empty">No exam is open at the moment.</p>`
              : html`<ul class="exams">
                  ${open.map((exam) => examCard(exam, now, context))}
                </ul>`
          }
        </section>
        ${
          others.length > 0 &&
          html`<section aria-labelledby="others">
            <h2 id="others">Not open</h2>
            <ul class="exams">
              ${others.map((exam) => examCard(exam, now, context))}
            </ul>
          </section>`
        }`,
    },
    context,
  );
}

function examCard(exam: ListedExam, now: number, context: PageContext): Html {
  return html`<li class="card exam">
    <div>
      <h3>${exam.title}</h3>
      <p>${exam.description}</p>
      <p class="facts">${count(exam.questionCount, "question")} · ${when(exam, now)}</p>
    </div>
    ${action(exam, now, context)}
  </li>`;
}

function when(exam: ListedExam, now: number): Html {
  switch (examState(exam, now)) {
    case "open":
      return exam.closesAt === null
        ? html`no time limit`
        : html`ends at ${moment(exam.closesAt, "time")}`;
    case "closed":
      return exam.closesAt === null ? html`closed` : html`closed ${moment(exam.closesAt)}`;
    case "upcoming":
      return exam.opensAt === null
        ? html`${count(exam.durationMinutes, "minute")}, starts when it is opened`
        : html`opens ${moment(exam.opensAt)}`;
  }
}

function action(exam: ListedExam, now: number, { session }: PageContext): Html | null {
  const page = `/exams/${String(exam.id)}`;
  if (exam.submittedAt !== null) {
    return html`<div class="action">
      <span class="badge done">Handed in</span><a class="button" href="${page}/review">Review</a>
    </div>`;
  }
  if (examState(exam, now) !== "open") {
    return exam.startedAt === null
      ? null
      : html`<div class="action"><a class="button" href="${page}/review">Review</a></div>`;
  }
  if (session?.role === "admin") return null;
  if (session === null) {
    return html`<div class="action">
      <a class="button primary" href="/sign-in?next=${page}">Sign in to start</a>
    </div>`;
  }
  return html`<div class="action">
    <a class="button primary" href="${page}">${exam.startedAt === null ? "Start" : "Continue"}</a>
  </div>`;
}
