import { type Exam, examState } from "../exams";
import { html, type Html } from "../html";
import { count, layout, moment, notice, type PageContext } from "./layout";

const EXTENSION_MINUTES = 5;

export function adminSignInPage(message: string | undefined, context: PageContext): Html {
  return layout(
    {
      title: "Administrator",
      body: html`<section class="card narrow">
        <h1>Administrator</h1>
        ${message !== undefined && notice("error", message)}
        <form method="post" action="/admin/sign-in" class="stack">
          <label>
            Password
            <input
              name="password"
              type="password"
              autocomplete="current-password"
              maxlength="200"
              required
              autofocus
            />
          </label>
          <button class="primary">Sign in</button>
        </form>
      </section>`,
    },
    context,
  );
}

export function adminPage(exams: readonly Exam[], context: PageContext): Html {
  return layout(
    {
      title: "Administrator",
      scripts: ["admin.js"],
      wide: true,
      body: html`<h1>Administrator</h1>
        <section class="figures" aria-label="Live figures">
          <div class="card figure">
            <span class="value" id="active-students">–</span>
            <span>students in the last 5 minutes</span>
          </div>
          <div class="card figure">
            <span class="value" id="answers-minute">–</span>
            <span>answers saved in the last full minute</span>
          </div>
          <div class="card chart">
            <h2>Answers saved per minute</h2>
            <div id="chart" role="img" aria-label="Answers saved per minute"></div>
          </div>
        </section>
        <p id="live" class="facts" role="status">Loading …</p>
        <h2>Exams</h2>
        <div class="card scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Exam</th>
                <th scope="col">State</th>
                <th scope="col">Ends</th>
                <th scope="col"><span class="hidden">Actions</span></th>
              </tr>
            </thead>
            <tbody>
              ${exams.map(examRow)}
            </tbody>
          </table>
        </div>`,
    },
    context,
  );
}

function examRow(exam: Exam): Html {
  const state = examState(exam, Date.now());
  const action = `/admin/exams/${String(exam.id)}`;
  return html`<tr data-exam="${exam.id}" data-closes-at="${exam.closesAt?.toISOString()}">
    <th scope="row">
      ${exam.title}<small class="facts"
        >${count(exam.questionCount, "question")}, ${count(exam.durationMinutes, "minute")}</small
      >
    </th>
    <td><span class="badge ${state}">${state}</span></td>
    <td>${exam.closesAt === null ? "–" : moment(exam.closesAt, "time")}</td>
    <td>
      <div class="buttons">
        ${
          state === "open"
            ? html`${exam.closesAt !== null && extendButton(action, exam.closesAt)}
                <form method="post" action="${action}/close"><button>Close</button></form>`
            : html`<form method="post" action="${action}/open">
                <button class="primary">Open for ${count(exam.durationMinutes, "minute")}</button>
              </form>`
        }
        <a class="button" href="${action}/answers.csv">Answers (CSV)</a>
      </div>
    </td>
  </tr>`;
}

function extendButton(action: string, closesAt: Date): Html {
  return html`<form method="post" action="${action}/extend">
    <input type="hidden" name="closesAt" value="${closesAt.toISOString()}" />
    <input type="hidden" name="minutes" value="${EXTENSION_MINUTES}" />
    <button class="primary">Extend by ${count(EXTENSION_MINUTES, "minute")}</button>
  </form>`;
}
