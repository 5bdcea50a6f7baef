import { Autosave, type SaveReply, type SaveState } from "./autosave";
import { Countdown } from "./countdown";
import { byId, timeOfDay } from "./dom";
import { readReply } from "./reply";
import { UnsavedStore } from "./unsaved-store";

const REQUEST_TIMEOUT_MS = 20_000;
const TYPING_PAUSE_MS = 600;

interface Question {
  readonly id: number;
  readonly fieldset: HTMLFieldSetElement;
  readonly autosave: Autosave;
  state: SaveState | undefined;
}

const exam = byId("exam");
const examId = exam.dataset["exam"] ?? "";
const store = new UnsavedStore(exam.dataset["student"] ?? "", examId);
const questions = [...exam.querySelectorAll<HTMLFieldSetElement>("fieldset.question")].map(
  setUpQuestion,
);

async function send(questionId: number, sequence: number, value: string): Promise<SaveReply> {
  try {
    const response = await fetch("/api/answers", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ questionId, sequence, value }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const body: unknown = await response.json().catch(() => undefined);
    return readReply(response.status, body);
  } catch {
    return { kind: "retry" };
  }
}

function setUpQuestion(fieldset: HTMLFieldSetElement): Question {
  const id = Number(fieldset.dataset["question"]);
  const autosave = new Autosave({
    sequence: Number(fieldset.dataset["sequence"]),
    value: valueOf(fieldset),
    send: (sequence, value) => send(id, sequence, value),
    onState: (state) => {
      question.state = state;
      if (state.kind === "saved") store.remove(id);
      show(question);
      showOverall();
    },
  });
  const question: Question = { id, fieldset, autosave, state: undefined };
  const savedAt = fieldset.dataset["savedAt"];
  if (savedAt !== undefined && savedAt !== "") question.state = { kind: "saved", savedAt };

  let timer: ReturnType<typeof setTimeout> | undefined;
  const changed = (pauseMs: number): void => {
    clearTimeout(timer);
    // Leaving a field unchanged, or changing it back, needs no request.
    if (valueOf(fieldset) !== autosave.newest) {
      store.put(id, valueOf(fieldset));
      timer = setTimeout(() => {
        autosave.save(valueOf(fieldset));
      }, pauseMs);
    } else if (!autosave.dirty) {
      store.remove(id);
    }
    showOverall();
  };
  fieldset.addEventListener("input", (event) => {
    changed(event.target instanceof HTMLTextAreaElement ? TYPING_PAUSE_MS : 0);
  });
  // Leaving a field saves it at once.
  fieldset.addEventListener("change", () => {
    changed(0);
  });
  return question;
}

function valueOf(fieldset: HTMLFieldSetElement): string {
  const text = fieldset.querySelector("textarea");
  if (text !== null) return text.value;
  return fieldset.querySelector<HTMLInputElement>("input:checked")?.value ?? "";
}

function setValue(fieldset: HTMLFieldSetElement, value: string): void {
  const text = fieldset.querySelector("textarea");
  if (text !== null) text.value = value;
  for (const input of fieldset.querySelectorAll("input")) input.checked = input.value === value;
}

function describe(state: SaveState | undefined): { text: string; style: string } {
  switch (state?.kind) {
    case undefined:
      return { text: "", style: "" };
    case "saving":
      return { text: "Saving …", style: "" };
    case "saved":
      return { text: `Saved ${timeOfDay(state.savedAt)}`, style: "saved" };
    case "unsaved":
      return { text: "Not saved, retrying", style: "unsaved" };
    case "signed-out":
      return { text: "Not saved: you are signed out", style: "refused" };
    case "refused":
      return { text: `Not saved. ${state.message}`, style: "refused" };
  }
}

function show({ fieldset, state }: Question): void {
  const line = fieldset.querySelector(".save-state");
  if (line === null) return;
  const { text, style } = describe(state);
  line.textContent = text;
  line.className = `save-state ${style}`;
}

const unsaved = (): Question[] =>
  questions.filter((question) => question.autosave.dirty || store.has(question.id));

function showOverall(): void {
  const answered = questions.filter((question) => valueOf(question.fieldset) !== "").length;
  byId("progress").textContent = `${String(answered)} of ${String(questions.length)} answered`;
  const failing = questions.filter((question) =>
    ["unsaved", "signed-out", "refused"].includes(question.state?.kind ?? ""),
  );
  const line = byId("overall");
  const signedOut = failing.some((question) => question.state?.kind === "signed-out");
  line.className = `save-state ${failing.length > 0 ? "unsaved" : "saved"}`;
  if (signedOut) {
    line.textContent = "You are signed out. What you write is kept in this browser. ";
    const link = document.createElement("a");
    link.href = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
    link.textContent = "Sign in again";
    line.append(link);
  } else if (failing.length > 0) {
    line.textContent =
      "The server cannot be reached. Go on writing: it is kept in this browser and saved as soon as possible.";
  } else {
    line.textContent = unsaved().length > 0 ? "Saving …" : "All answers are saved";
  }
}

function say(text: string): void {
  const message = document.createElement("p");
  message.className = "notice info";
  message.textContent = text;
  byId("messages").replaceChildren(message);
}

/** Waits for what is still on its way, but not for ever. */
async function settle(seconds: number): Promise<boolean> {
  for (const question of unsaved()) question.autosave.retryNow();
  for (let waited = 0; waited < seconds * 10 && unsaved().length > 0; waited += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return unsaved().length === 0;
}

async function end(): Promise<void> {
  for (const { fieldset } of questions) fieldset.disabled = true;
  byId("submit").setAttribute("disabled", "");
  say("The exam is over. What you have written is being saved.");
  // Answers that were given in time are taken for half a minute after the end.
  if (await settle(25)) location.assign(`/exams/${examId}/review`);
  else say("The exam is over. Some answers could not be saved; tell the supervisor now.");
}

function setUpSubmit(): void {
  const dialog = exam.querySelector("dialog");
  if (dialog === null) return;
  byId("submit").addEventListener("click", () => {
    void settle(3).then((settled) => {
      if (!settled) {
        say("Some answers are not saved yet. Wait until all are saved, then hand in.");
        return;
      }
      const open = questions.filter((question) => valueOf(question.fieldset) === "").length;
      byId("confirm-text").textContent =
        open === 0
          ? "All questions are answered, and all answers are saved."
          : `${String(questions.length - open)} of ${String(questions.length)} questions are answered. The others stay empty.`;
      dialog.showModal();
    });
  });
  byId("cancel").addEventListener("click", () => {
    dialog.close();
  });
}

for (const question of questions) {
  const kept = store.get(question.id);
  if (kept !== undefined) {
    setValue(question.fieldset, kept);
    question.autosave.save(kept);
    if (!question.autosave.dirty) store.remove(question.id);
  }
  show(question);
}
setUpSubmit();
showOverall();

window.addEventListener("online", () => {
  for (const question of questions) question.autosave.retryNow();
});
window.addEventListener("beforeunload", (event) => {
  if (unsaved().length > 0) event.preventDefault();
});

const closesAt = exam.dataset["closesAt"];
new Countdown(
  examId,
  Number(exam.dataset["now"]),
  closesAt === "" ? undefined : closesAt,
  () => {
    void end();
  },
  (extended) => {
    say(`The exam was extended: it ends at ${timeOfDay(extended)}.`);
  },
);
