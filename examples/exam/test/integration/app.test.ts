import assert from "node:assert/strict";
import { demoAccessCode as codeOf } from "../../src/exams";
import {
  environment,
  makeScratch,
  prepare,
  type Replica,
  type Scratch,
  signIn,
  signInAdmin,
  startReplica,
} from "./world";

describe("the application with Postgres and Redis", function () {
  let scratch: Scratch;
  let replica: Replica;

  before(async function () {
    const made = await makeScratch();
    if (made === null) this.skip();
    scratch = made;
    await prepare(scratch);
    replica = await startReplica({ ...environment(scratch), RATE_LIMIT_PER_MINUTE: "1000" });
  });
  after(async () => {
    // Undefined when the suite was skipped.
    await (replica as Replica | undefined)?.stop();
    await (scratch as Scratch | undefined)?.drop();
  });

  const get = (url: string, cookie = "") => replica.app.inject({ url, headers: { cookie } });
  const post = (url: string, cookie: string, payload: object = {}, headers = {}) =>
    replica.app.inject({ method: "POST", url, headers: { cookie, ...headers }, payload });
  const save = (cookie: string, questionId: number, sequence: number, value: string) =>
    post("/api/answers", cookie, { questionId, sequence, value });

  it("shows the exams without sign-in, with strict headers", async () => {
    const reply = await get("/");
    assert.equal(reply.statusCode, 200);
    assert.match(reply.body, /Practice exam/);
    assert.match(String(reply.headers["content-security-policy"]), /default-src 'none'/);
    assert.equal(reply.headers["cache-control"], "no-store");
  });

  it("is healthy", async () => {
    const reply = await get("/health");
    assert.equal(reply.statusCode, 200);
    assert.equal(reply.json<{ status: string }>().status, "ok");
  });

  it("refuses a wrong code, and too many attempts for one student", async () => {
    const attempt = () => post("/api/sign-in", "", { number: "s0200", code: "wrong" });
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) statuses.push((await attempt()).statusCode);
    assert.deepEqual([statuses[0], statuses.at(-1)], [403, 429]);
  });

  it("marks the cookie Secure behind a proxy that speaks TLS", async () => {
    const payload = new URLSearchParams({ password: "wrong password" }).toString();
    const refused = await replica.app.inject({ method: "POST", url: "/admin/sign-in", payload });
    assert.equal(refused.headers["set-cookie"], undefined);
    const reply = await post(
      "/api/sign-in",
      "",
      { number: "s0199", code: codeOf("s0199") },
      { "x-forwarded-proto": "https" },
    );
    assert.match(String(reply.headers["set-cookie"]), /HttpOnly; Secure; SameSite=Lax/);
  });

  it("refuses changes that another site's page asks for", async () => {
    const reply = await post("/api/answers", "", {}, { origin: "https://evil.example" });
    assert.equal(reply.statusCode, 403);
    const own = await post("/sign-out", "", {}, { origin: "http://localhost:80" });
    assert.equal(own.statusCode, 303);
  });

  it("saves an answer once, however often it is sent", async () => {
    const cookie = await signIn(replica, "s0001");
    assert.equal((await save(cookie, 3, 1, "early")).statusCode, 409);
    assert.equal((await post("/api/exams/1/start", cookie)).statusCode, 200);
    const first = await save(cookie, 3, 1, "one");
    const again = await save(cookie, 3, 1, "one");
    assert.equal(first.statusCode, 200);
    assert.deepEqual(again.json(), first.json());
    const history = await get("/api/answers/history?question=3", cookie);
    assert.equal(history.json<{ answers: unknown[] }>().answers.length, 1);
  });

  it("saves one of many that come at the same moment, and tells the others", async () => {
    const cookie = await signIn(replica, "s0002");
    await post("/api/exams/1/start", cookie);
    const same = await Promise.all(Array.from({ length: 8 }, () => save(cookie, 3, 1, "same")));
    assert.deepEqual(
      same.map((reply) => reply.statusCode),
      Array.from({ length: 8 }, () => 200),
    );
    const different = await Promise.all(
      Array.from({ length: 8 }, (_unused, index) => save(cookie, 3, 2, `value ${String(index)}`)),
    );
    const accepted = different.filter((reply) => reply.statusCode === 200);
    assert.equal(accepted.length, 1);
    assert.equal(different.filter((reply) => reply.statusCode === 409).length, 7);
  });

  it("refuses what is older than the current answer, and says how far that is", async () => {
    const cookie = await signIn(replica, "s0001");
    assert.equal((await save(cookie, 3, 5, "five")).statusCode, 200);
    const stale = await save(cookie, 3, 4, "four");
    assert.equal(stale.statusCode, 409);
    assert.equal(stale.json<{ error: { current: number } }>().error.current, 5);
    const answers = await get("/api/exams/1/answers", cookie);
    const list = answers.json<{ answers: { value: string }[] }>().answers;
    assert.deepEqual(
      list.map((answer) => answer.value),
      ["five"],
    );
  });

  it("takes only the options of a question", async () => {
    const cookie = await signIn(replica, "s0001");
    assert.equal((await save(cookie, 1, 1, "z")).statusCode, 400);
    assert.equal((await save(cookie, 1, 1, "b")).statusCode, 200);
    assert.equal((await save(cookie, 1, 2, "")).statusCode, 200);
    assert.equal((await save(cookie, 999, 1, "b")).statusCode, 404);
  });

  it("never changes what was saved", async () => {
    await assert.rejects(scratch.query("UPDATE answers SET value = 'x'"), /kept as they were/);
    await assert.rejects(scratch.query("TRUNCATE answers"), /kept as they were/);
  });

  it("escapes answers on its pages", async () => {
    const cookie = await signIn(replica, "s0003");
    await post("/api/exams/1/start", cookie);
    await save(cookie, 3, 1, "</textarea><script>alert(1)</script>");
    for (const url of ["/exams/1", "/exams/1/review"]) {
      const page = (await get(url, cookie)).body;
      assert.doesNotMatch(page, /<script>alert/);
      assert.match(page, /&lt;script&gt;alert/);
    }
  });

  it("takes nothing after the exam is handed in", async () => {
    const cookie = await signIn(replica, "s0004");
    await post("/api/exams/1/start", cookie);
    await save(cookie, 3, 1, "kept");
    assert.equal((await post("/exams/1/submit", cookie)).statusCode, 303);
    assert.equal((await save(cookie, 3, 2, "late")).statusCode, 409);
    // A repeated request whose first reply was lost is still told the truth.
    assert.equal((await save(cookie, 3, 1, "kept")).statusCode, 200);
  });

  it("lets only the administrator change exams, and extends once per form", async () => {
    const student = await signIn(replica, "s0005");
    assert.equal((await post("/admin/exams/2/open", student)).statusCode, 401);
    const admin = await signInAdmin(replica);
    assert.equal((await post("/admin/exams/2/open", admin)).statusCode, 303);
    const closesAt = async (): Promise<string> => {
      const { exams } = (await get("/api/exams")).json<{
        exams: { id: number; closesAt: string }[];
      }>();
      return exams.find((exam) => exam.id === 2)?.closesAt ?? "";
    };
    const before = await closesAt();
    for (let count = 0; count < 2; count += 1) {
      await post("/admin/exams/2/extend", admin, { closesAt: before, minutes: 5 });
    }
    assert.equal(Date.parse(await closesAt()) - Date.parse(before), 300_000);
  });

  it("exports the current answers and shows figures", async () => {
    const admin = await signInAdmin(replica);
    const csv = await get("/admin/exams/1/answers.csv", admin);
    assert.match(csv.body, /^student,name,question,sequence,saved_at,answer\r\n/);
    assert.match(csv.body, /s0001,Ada Adler,3,5,[^,]+,five\r\n/);
    const stats = await get("/api/admin/stats", admin);
    const { activeStudents, perMinute } = stats.json<{
      activeStudents: number;
      perMinute: { count: number }[];
    }>();
    assert.ok(activeStudents >= 5);
    assert.ok(perMinute.reduce((sum, { count }) => sum + count, 0) >= 5);
  });

  it("limits the answers of one student", async () => {
    const strict = await startReplica({ ...environment(scratch), RATE_LIMIT_PER_MINUTE: "3" });
    try {
      // A name of its own: the limit of sign-ins counts by address, over all replicas.
      const cookie = await strict.services.sessions.create({
        role: "student",
        studentId: 6,
        number: "s0006",
        name: "",
      });
      const send = () =>
        strict.app.inject({
          method: "POST",
          url: "/api/answers",
          headers: { cookie: `exam_session=${cookie}` },
          payload: { questionId: 3, sequence: 1, value: "x" },
        });
      const statuses: number[] = [];
      for (let count = 0; count < 5; count += 1) statuses.push((await send()).statusCode);
      assert.equal(statuses.at(-1), 429);
    } finally {
      await strict.stop();
    }
  });

  it("has no administrator's page without a password", async () => {
    const closed = await startReplica({ ...environment(scratch), EXAM_ADMIN_PASSWORD: "" });
    try {
      for (const url of ["/admin", "/admin/sign-in", "/api/admin/stats"]) {
        assert.equal((await closed.app.inject({ url })).statusCode, 404, url);
      }
    } finally {
      await closed.stop();
    }
  });

  it("says that it is going once it drains, and asks clients to go elsewhere", async () => {
    const leaving = await startReplica(environment(scratch));
    try {
      leaving.services.lifecycle.startDraining();
      const health = await leaving.app.inject({ url: "/health" });
      assert.equal(health.statusCode, 503);
      assert.equal(health.json<{ status: string }>().status, "draining");
      const page = await leaving.app.inject({ url: "/" });
      assert.equal(page.statusCode, 200);
      assert.equal(page.headers.connection, "close");
    } finally {
      await leaving.stop();
    }
  });
});
