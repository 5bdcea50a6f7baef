// Clicks through the exam in headless Chromium, as a student and as the administrator.
//   node test/browser.mjs URL [--shots FOLDER]
// The administrator's part runs when EXAM_ADMIN_PASSWORD is set. Exit 0: everything worked.
import assert from "node:assert/strict";
import { createHash, randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const HELP = `usage: node test/browser.mjs URL [--shots FOLDER] [--student s0042]
Clicks through the exam server at URL in headless Chromium (CHROMIUM, default /usr/bin/chromium).
  --shots FOLDER    keep a picture of every page
  --student NUMBER  a demo student who has not handed in yet (default: one at random)
With EXAM_ADMIN_PASSWORD in the environment the administrator's page is tried too.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shots: { type: "string" },
    student: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});
const base = positionals[0]?.replace(/\/$/, "");
if (values.help || base === undefined) {
  process.stdout.write(`${HELP}\n`);
  process.exit(values.help ? 0 : 2);
}
const password = process.env.EXAM_ADMIN_PASSWORD;
const student = values.student ?? `s${String(randomInt(100, 200)).padStart(4, "0")}`;
const code = createHash("sha256").update(`trivet-exam:${student}`).digest("hex").slice(0, 8);
if (values.shots) mkdirSync(values.shots, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
const complaints = [];
let step = "start";

async function open(options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.on("pageerror", (error) => complaints.push(`${step}: ${error.message}`));
  page.on("console", (message) => {
    // Chromium logs every failed request too; those are looked at by the steps themselves.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      if (!/WebSocket connection|net::ERR_/.test(message.text())) {
        complaints.push(`${step}: ${message.text()}`);
      }
    }
  });
  return { context, page };
}

async function shot(page, name) {
  if (!values.shots) return;
  await page.evaluate(() => {
    scrollTo(0, 0);
  });
  await page.screenshot({ path: `${values.shots}/${name}.png`, fullPage: true });
}

async function run(name, work) {
  step = name;
  const started = Date.now();
  await work();
  process.stdout.write(`ok  ${name} (${Date.now() - started} ms)\n`);
}

const saved = (page, question) =>
  page
    .locator(`fieldset.question >> nth=${question}`)
    .locator(".save-state.saved")
    .waitFor({ state: "visible" });

async function signIn(page) {
  await page.goto(`${base}/sign-in`);
  await page.getByLabel("Student number").fill(student);
  await page.getByLabel("Access code").fill(code);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

async function enterPractice(page) {
  await page.goto(`${base}/exams/1`);
  const start = page.getByRole("button", { name: "Start the exam" });
  if (await start.isVisible()) {
    await shot(page, "03-start");
    await start.click();
  }
  await page.locator("#exam").waitFor();
}

const text = `Written by the click-through at ${new Date().toISOString()} <b>&amp; "quoted"</b>`;

try {
  const { page, context } = await open({ viewport: { width: 1100, height: 800 } });

  await run("the list of exams is open to everybody", async () => {
    await page.goto(`${base}/`);
    await page.getByRole("heading", { name: "Practice exam" }).waitFor();
    await shot(page, "01-exams");
  });

  await run("a wrong code is refused", async () => {
    await page.goto(`${base}/sign-in`);
    await page.getByLabel("Student number").fill(student);
    await page.getByLabel("Access code").fill("0000-0000");
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    await shot(page, "02-sign-in");
  });

  await run("a student signs in and starts", async () => {
    await signIn(page);
    await enterPractice(page);
  });

  await run("answers are saved", async () => {
    await page.getByText("Every answer, as soon as you give it").click();
    await saved(page, 0);
    await page.locator("textarea").first().fill(text);
    await saved(page, 2);
    await page.getByText("All answers are saved").waitFor();
  });

  await run("the clock is live", async () => {
    await page.locator("#link", { hasText: "live" }).waitFor();
    await shot(page, "04-exam");
  });

  await run("without a network the page says so, and saves later", async () => {
    await context.setOffline(true);
    await page.locator("textarea").nth(1).fill(`${text} (offline)`);
    await page.getByText("Not saved, retrying").waitFor();
    await page.getByText("The server cannot be reached.").waitFor();
    await shot(page, "05-offline");
    await context.setOffline(false);
    await page.getByText("All answers are saved").waitFor({ timeout: 30_000 });
  });

  await run("a reload finds every answer", async () => {
    await page.reload();
    assert.equal(await page.locator("textarea").first().inputValue(), text);
    assert.equal(await page.locator("textarea").nth(1).inputValue(), `${text} (offline)`);
    assert.ok(await page.getByLabel("Every answer, as soon as you give it").isChecked());
  });

  await run("the exam is usable on a phone", async () => {
    await page.setViewportSize({ width: 375, height: 740 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 375, `the page is ${width} px wide`);
    await shot(page, "06-phone");
    await page.setViewportSize({ width: 1100, height: 800 });
  });

  if (password) await administrator(page);

  await run("the exam is handed in and reviewed", async () => {
    await page.goto(`${base}/exams/1`);
    await page.getByRole("button", { name: "Hand in …" }).click();
    await page.getByRole("heading", { name: "Hand in now?" }).waitFor();
    await shot(page, "09-confirm");
    await page.getByRole("button", { name: "Hand in", exact: true }).click();
    await page.getByText("These answers count.").waitFor();
    await page.getByText(text, { exact: true }).waitFor();
    await shot(page, "10-review");
    await page.emulateMedia({ colorScheme: "dark" });
    await shot(page, "12-review-dark");
  });

  await run("signing out ends the session", async () => {
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign in", exact: true }).waitFor();
    await page.goto(`${base}/exams/1`);
    assert.match(page.url(), /sign-in/);
  });

  assert.deepEqual(complaints, [], "the browser complained");
} catch (error) {
  process.stderr.write(`FAILED  ${step}: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

async function administrator(studentPage) {
  const { page } = await open({ viewport: { width: 1100, height: 800 } });
  const row = page.locator('tr[data-exam="2"]');

  await run("the administrator sees live figures", async () => {
    await page.goto(`${base}/admin`);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.locator("#chart svg").waitFor();
    assert.notEqual(await page.locator("#active-students").textContent(), "0");
  });

  await run("an exam is opened and extended, and the student's clock follows", async () => {
    const openButton = row.getByRole("button", { name: /^Open for/ });
    if (await openButton.isVisible()) await openButton.click();
    await row.getByRole("button", { name: "Extend by 5 minutes" }).waitFor();
    await studentPage.goto(`${base}/exams/2`);
    const start = studentPage.getByRole("button", { name: "Start the exam" });
    if (await start.isVisible()) await start.click();
    await studentPage.locator("#link", { hasText: "live" }).waitFor();
    await shot(studentPage, "07-countdown");
    await row.getByRole("button", { name: "Extend by 5 minutes" }).click();
    await studentPage.getByText("The exam was extended").waitFor();
    await page.locator("#chart svg").waitFor();
    await shot(page, "08-admin");
  });

  await run("the answers come as CSV", async () => {
    const reply = await page.request.get(`${base}/admin/exams/1/answers.csv`);
    assert.equal(reply.status(), 200);
    const csv = await reply.text();
    assert.match(csv, /^student,name,question,sequence,saved_at,answer\r\n/);
    assert.ok(csv.includes(student), "the student's answers are missing");
  });

  await run("the administrator's page fits a phone, and the dark", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 375, height: 740 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 375, `the page is ${width} px wide`);
    await shot(page, "11-admin-phone-dark");
    await page.setViewportSize({ width: 1100, height: 800 });
  });

  await run("closing the exam ends it for the student", async () => {
    await row.getByRole("button", { name: "Close" }).click();
    await studentPage.waitForURL(/\/exams\/2\/review$/);
  });
}
