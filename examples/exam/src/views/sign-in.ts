import { demoAccessCode } from "../exams";
import { html, type Html } from "../html";
import { layout, notice, type PageContext } from "./layout";

export interface SignInForm {
  /** Where to go after signing in. */
  readonly next: string;
  /** Shows an account to try. */
  readonly demo: boolean;
  /** Why the last attempt failed. */
  readonly message?: string;
  readonly number?: string;
}

const DEMO_NUMBER = "s0001";

export function signInPage(form: SignInForm, context: PageContext): Html {
  return layout(
    {
      title: "Sign in",
      body: html`<section class="card narrow">
        <h1>Sign in</h1>
        <p class="lead">Your student number and access code are on your admission slip.</p>
        ${form.message !== undefined && notice("error", form.message)}
        <form method="post" action="/sign-in" class="stack">
          <input type="hidden" name="next" value="${form.next}" />
          <label>
            Student number
            <input
              name="number"
              value="${form.number}"
              autocomplete="username"
              autocapitalize="none"
              spellcheck="false"
              maxlength="32"
              required
              autofocus
            />
          </label>
          <label>
            Access code
            <input
              name="code"
              type="password"
              autocomplete="current-password"
              maxlength="64"
              required
            />
          </label>
          <button class="primary">Sign in</button>
        </form>
        ${
          form.demo &&
          notice(
            "info",
            html`To look around, use <code>${DEMO_NUMBER}</code> with the code
              <code>${demoAccessCode(DEMO_NUMBER)}</code>.`,
          )
        }
      </section>`,
    },
    context,
  );
}
