import { byId, timeOfDay } from "./dom";
import { field, numberField, textField } from "./json";

const REFRESH_MS = 2_000;
const MINUTE_MS = 60_000;
const WIDTH = 720;
const HEIGHT = 140;
const SVG = "http://www.w3.org/2000/svg";

interface Bar {
  readonly minute: number;
  readonly count: number;
}

function readBars(stats: unknown): Bar[] {
  const now = Date.parse(textField(stats, "now") ?? "");
  const minutes = numberField(stats, "minutes") ?? 0;
  const listed = field(stats, "perMinute");
  const counts = new Map<number, number>();
  for (const entry of Array.isArray(listed) ? (listed as readonly unknown[]) : []) {
    counts.set(Date.parse(textField(entry, "minute") ?? ""), numberField(entry, "count") ?? 0);
  }
  const thisMinute = Math.floor(now / MINUTE_MS) * MINUTE_MS;
  return Array.from({ length: minutes }, (_unused, index) => {
    const minute = thisMinute - (minutes - 1 - index) * MINUTE_MS;
    return { minute, count: counts.get(minute) ?? 0 };
  });
}

function shape(name: string, attributes: Readonly<Record<string, number | string>>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

function draw(bars: readonly Bar[]): void {
  const highest = Math.max(1, ...bars.map((bar) => bar.count));
  const step = WIDTH / bars.length;
  const floor = HEIGHT - 20;
  const chart = shape("svg", { viewBox: `0 0 ${String(WIDTH)} ${String(HEIGHT)}` });
  bars.forEach((bar, index) => {
    const height = (bar.count / highest) * (floor - 16);
    const place = { x: index * step + 2, width: step - 4, rx: 3 };
    chart.append(shape("rect", { ...place, class: "track", y: 16, height: floor - 16 }));
    const column = shape("rect", { ...place, y: floor - height, height });
    const title = shape("title", {});
    title.textContent = `${timeOfDay(new Date(bar.minute).toISOString())}: ${String(bar.count)}`;
    column.append(title);
    chart.append(column);
  });
  label(chart, 2, HEIGHT - 4, "start", `${String(bars.length - 1)} min ago`);
  label(chart, WIDTH - 2, HEIGHT - 4, "end", "this minute");
  label(chart, 2, 11, "start", `highest: ${String(highest)}`);
  byId("chart").replaceChildren(chart);
}

function label(chart: SVGElement, x: number, y: number, anchor: string, content: string): void {
  const text = shape("text", { x, y, "text-anchor": anchor });
  text.textContent = content;
  chart.append(text);
}

/** Somebody else changed an exam, or this page's own buttons are out of date. */
function rowsAreStale(stats: unknown): boolean {
  const exams = field(stats, "exams");
  return (Array.isArray(exams) ? (exams as readonly unknown[]) : []).some((exam) => {
    const row = document.querySelector<HTMLElement>(
      `tr[data-exam="${String(numberField(exam, "id"))}"]`,
    );
    return row !== null && (row.dataset["closesAt"] ?? "") !== (textField(exam, "closesAt") ?? "");
  });
}

async function refresh(): Promise<void> {
  try {
    const response = await fetch("/api/admin/stats", { signal: AbortSignal.timeout(10_000) });
    if (response.status === 401) {
      location.assign("/admin/sign-in");
      return;
    }
    if (!response.ok) throw new Error(String(response.status));
    const stats: unknown = await response.json();
    const bars = readBars(stats);
    byId("active-students").textContent = String(numberField(stats, "activeStudents") ?? "–");
    byId("answers-minute").textContent = String(bars.at(-2)?.count ?? 0);
    draw(bars);
    byId("live").textContent = `Updated ${timeOfDay(textField(stats, "now") ?? "")}`;
    if (rowsAreStale(stats)) location.reload();
  } catch {
    byId("live").textContent = "No answer from the server, trying again";
  }
}

async function run(): Promise<never> {
  for (;;) {
    await refresh();
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

void run();
