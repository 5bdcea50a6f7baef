import type { Assets } from "../assets";
import { html, type Html, type HtmlValue } from "../html";
import type { Session } from "../sessions";

/** What every page shows around its content. */
export interface PageContext {
  readonly session: Session | null;
  /** Name of the replica that answered. */
  readonly replica: string;
  readonly assets: Assets;
}

export interface PageContent {
  readonly title: string;
  readonly body: Html;
  /** Script files of this page, by name. */
  readonly scripts?: readonly string[];
  /** Wide pages are for tables, the others for reading. */
  readonly wide?: boolean;
}

export function layout(content: PageContent, { session, replica, assets }: PageContext): Html {
  const scripts = ["site.js", ...(content.scripts ?? [])];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${content.title} · Exam room</title>
        <link rel="icon" href="${assets.url("icon.svg")}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assets.url("app.css")}" />
        ${scripts.map((name) => html`<script src="${assets.url(name)}" defer></script>`)}
      </head>
      <body>
        <a class="skip" href="#content">Skip to content</a>
        <header class="site">
          <div class="bar">
            <a class="brand" href="/"><span class="mark" aria-hidden="true"></span>Exam room</a>
            ${account(session)}
          </div>
        </header>
        <main id="content" ${content.wide === true && html`class="wide"`}>${content.body}</main>
        <footer class="site">
          <span>Answered by <code>${replica}</code></span>
        </footer>
      </body>
    </html>`;
}

function account(session: Session | null): Html {
  if (session === null) return html`<nav><a class="button quiet" href="/sign-in">Sign in</a></nav>`;
  return html`<nav class="account">
    ${
      session.role === "admin"
        ? html`<a href="/admin">Administrator</a>`
        : html`<span class="who"><b>${session.name}</b> <small>${session.number}</small></span>`
    }
    <form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>
  </nav>`;
}

/** A moment; the page's script shows it in the reader's own time zone. */
export const moment = (date: Date, format: "time" | "full" = "full"): Html =>
  html`<time datetime="${date.toISOString()}" data-format="${format}"
    >${date.toISOString().slice(0, 16).replace("T", " ")} UTC</time
  >`;

export const notice = (kind: "error" | "info", content: HtmlValue): Html =>
  html`<p class="notice ${kind}" ${kind === "error" && html`role="alert"`}>${content}</p>`;

export const count = (amount: number, noun: string): string =>
  `${String(amount)} ${noun}${amount === 1 ? "" : "s"}`;
