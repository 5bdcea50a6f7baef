import { createHash } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { z } from "zod";

export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly milliseconds: number;
}

/** A reply that says what is wrong, in the words of the server. */
export class RefusedError extends Error {
  constructor(
    readonly reply: Reply,
    action: string,
  ) {
    const error = z.object({ error: z.object({ message: z.string() }) }).safeParse(reply.body);
    super(`${action}: ${String(reply.status)} ${error.data?.error.message ?? ""}`.trim());
  }
}

export interface Site {
  readonly base: URL;
  readonly agent: http.Agent;
  /** How long one request may take, in seconds. */
  readonly timeoutSeconds: number;
}

export function openSite(base: URL, insecure: boolean, timeoutSeconds: number): Site {
  const options = { keepAlive: true, timeout: 60_000 };
  const agent =
    base.protocol === "https:"
      ? new https.Agent({ ...options, rejectUnauthorized: !insecure })
      : new http.Agent(options);
  return { base, agent, timeoutSeconds };
}

/** One request; fails when there is no complete reply in time. */
export function request(
  site: Site,
  method: "GET" | "POST",
  path: string,
  options: { readonly body?: unknown; readonly cookie?: string },
): Promise<Reply & { readonly cookies: readonly string[] }> {
  const url = new URL(path, site.base);
  const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
  const headers: http.OutgoingHttpHeaders = { accept: "application/json" };
  if (options.cookie !== undefined) headers["cookie"] = options.cookie;
  if (payload !== undefined) {
    headers["content-type"] = "application/json";
    headers["content-length"] = Buffer.byteLength(payload);
  }
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const { request: send } = url.protocol === "https:" ? https : http;
    const outgoing = send(
      url,
      {
        method,
        headers,
        agent: site.agent,
        signal: AbortSignal.timeout(site.timeoutSeconds * 1000),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () => {
          resolve({
            status: incoming.statusCode ?? 0,
            body: parseJson(Buffer.concat(chunks).toString("utf8")),
            cookies: incoming.headers["set-cookie"] ?? [],
            milliseconds: performance.now() - started,
          });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(payload);
  });
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const examsReply = z.object({
  exams: z.array(z.object({ id: z.number(), title: z.string(), state: z.string() })),
});
const questionsReply = z.object({
  questions: z.array(z.object({ id: z.number(), kind: z.string() })),
});
const answersReply = z.object({
  answers: z.array(z.object({ questionId: z.number(), sequence: z.number(), value: z.string() })),
});
export type StoredAnswer = z.output<typeof answersReply>["answers"][number];
const historyReply = answersReply.extend({ more: z.boolean() });

/** The first open exam. */
export async function findOpenExam(site: Site): Promise<number> {
  const reply = await request(site, "GET", "/api/exams", {});
  if (reply.status !== 200) throw new RefusedError(reply, "the list of exams");
  const open = examsReply.parse(reply.body).exams.find((exam) => exam.state === "open");
  if (open === undefined) throw new Error("no exam is open; open one as administrator");
  return open.id;
}

/** A demo student with a session of its own. */
export class StudentClient {
  #cookie = "";
  /** How often a session had to be begun. */
  signIns = 0;

  constructor(
    private readonly site: Site,
    readonly number: string,
  ) {}

  async signIn(): Promise<void> {
    // The demo codes are made from the numbers.
    const code = createHash("sha256")
      .update(`trivet-exam:${this.number}`)
      .digest("hex")
      .slice(0, 8);
    const body = { number: this.number, code };
    const reply = await request(this.site, "POST", "/api/sign-in", { body });
    if (reply.status !== 200) throw new RefusedError(reply, `sign-in of ${this.number}`);
    this.#cookie = reply.cookies.map((cookie) => cookie.split(";")[0]).join("; ");
    this.signIns += 1;
  }

  /** Starts the exam; returns a question for free text and the last sequence saved for it. */
  async start(examId: number): Promise<{ questionId: number; sequence: number }> {
    const exam = `/api/exams/${String(examId)}`;
    await this.#get("POST", `${exam}/start`);
    const { questions } = questionsReply.parse(await this.#get("GET", `${exam}/questions`));
    const question = questions.find(({ kind }) => kind === "text");
    if (question === undefined) throw new Error("the exam has no question for free text");
    const { answers } = answersReply.parse(await this.#get("GET", `${exam}/answers`));
    const current = answers.find((answer) => answer.questionId === question.id);
    return { questionId: question.id, sequence: current?.sequence ?? 0 };
  }

  save(questionId: number, sequence: number, value: string): Promise<Reply> {
    const body = { questionId, sequence, value };
    return request(this.site, "POST", "/api/answers", { body, cookie: this.#cookie });
  }

  /** Everything that is stored for the question after a sequence number. */
  async history(questionId: number, after: number): Promise<StoredAnswer[]> {
    const found: StoredAnswer[] = [];
    for (;;) {
      const last = found.at(-1)?.sequence ?? after;
      const query = `question=${String(questionId)}&after=${String(last)}`;
      const page = historyReply.parse(await this.#get("GET", `/api/answers/history?${query}`));
      found.push(...page.answers);
      if (!page.more) return found;
    }
  }

  async #get(method: "GET" | "POST", path: string): Promise<unknown> {
    const reply = await request(this.site, method, path, { cookie: this.#cookie });
    if (reply.status !== 200) throw new RefusedError(reply, `${path} for ${this.number}`);
    return reply.body;
  }
}
