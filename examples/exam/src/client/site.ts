/** Shows moments in the reader's own time zone, and keeps forms from being sent twice. */
const FORMATS: Readonly<Record<string, Intl.DateTimeFormatOptions>> = {
  time: { hour: "2-digit", minute: "2-digit" },
  full: { dateStyle: "medium", timeStyle: "short" },
};

for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-format]")) {
  const date = new Date(element.dateTime);
  const today = date.toDateString() === new Date().toDateString();
  const format =
    element.dataset["format"] === "time" && !today ? "full" : element.dataset["format"];
  element.title = date.toLocaleString();
  element.textContent = date.toLocaleString(undefined, FORMATS[format ?? "full"]);
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    // After this event, so that the button's own value would still be sent.
    setTimeout(() => {
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    });
  });
}

// A page that the browser kept for its back button has its buttons again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("button")) button.disabled = false;
});
