import { z } from "zod";
import { DUMP_FOLDER, DUMP_UNIT } from "../../components/backup/dump-files";
import type { StackOutputs } from "../stack/pulumi";
import type { Machine } from "./machines";
import { machinesOf, primaryMachine, runOn, tryOn } from "./machines";

const runSchema = z.object({
  started: z.string(),
  finished: z.string(),
  file: z.string().nullable(),
  bytes: z.number(),
  copied: z.boolean().nullable(),
  error: z.string().nullable(),
});

/** A run of the dump on one machine. Times in UTC, ISO 8601. */
export interface DumpRun extends z.output<typeof runSchema> {
  machine: string;
}

/** The dumps of all machines, as one. */
export interface DumpStatus {
  /** Whether dumps are made each night; null where the platform has none. */
  nightly: boolean | null;
  /** The newest run that left a dump which can be read. */
  lastGood: DumpRun | null;
  /** Why the operator should look; null if all is well. */
  problem: string | null;
}

/** What one machine knows of its dumps. */
export interface DumpNotes {
  /** `off`, or `on` and since when; undefined where no dump is set up. */
  schedule: string | undefined;
  good: DumpRun | undefined;
  last: DumpRun | undefined;
}

/** A night, and time for a dump that takes long. */
const OLDEST_HOURS = 26;
const HOUR = 3_600_000;
const UNIT = `${DUMP_UNIT}.service`;

/** Shell whose output {@link parseDumpNotes} reads. */
export const DUMP_NOTES = `for note in schedule good.json last.json; do if [ -f ${DUMP_FOLDER}/$note ]; then echo "dump $note $(cat ${DUMP_FOLDER}/$note)"; fi; done`;

/** Reads the lines of {@link DUMP_NOTES} among others. */
export function parseDumpNotes(machine: string, text: string): DumpNotes {
  const note = (name: string) => new RegExp(`^dump ${name} (.*)$`, "m").exec(text)?.[1];
  return {
    schedule: note("schedule"),
    good: parseRun(machine, note("good.json")),
    last: parseRun(machine, note("last.json")),
  };
}

function parseRun(machine: string, text: string | undefined): DumpRun | undefined {
  if (text === undefined) return undefined;
  try {
    return { machine, ...runSchema.parse(JSON.parse(text)) };
  } catch {
    const now = new Date(0).toISOString();
    const error = "the note of the last run cannot be read";
    return { machine, started: now, finished: now, file: null, bytes: 0, copied: null, error };
  }
}

const newest = (runs: readonly (DumpRun | undefined)[]) =>
  runs
    .filter((run) => run !== undefined)
    .sort((a, b) => b.finished.localeCompare(a.finished))
    .at(0);

/** What the notes of the core machines that answer amount to. */
export function dumpStatus(notes: readonly DumpNotes[], now: Date): DumpStatus {
  const schedules = notes.flatMap(({ schedule }) => (schedule === undefined ? [] : [schedule]));
  const since = schedules.flatMap((text) => (text.startsWith("on ") ? [text.slice(3)] : [])).sort();
  const lastGood = newest(notes.map(({ good }) => good)) ?? null;
  const last = newest(notes.map((each) => each.last));
  if (notes.length === 0) {
    return { nightly: null, lastGood: null, problem: "UNKNOWN: no core machine answers" };
  }
  if (schedules.length === 0) {
    const problem = "none are set up: update the stack with pulumi up";
    return { nightly: null, lastGood, problem };
  }
  if (since.length === 0) return { nightly: false, lastGood, problem: null };
  const expected = Math.max(time(lastGood?.finished), time(since[0]));
  const hours = Math.floor((now.getTime() - expected) / HOUR);
  const problem =
    last?.error != null
      ? `FAILED on ${last.machine}, ${ago(last.finished, now)}: ${last.error}`
      : hours >= OLDEST_HOURS
        ? `OVERDUE: no good dump for ${hours} hours, see journalctl -u ${DUMP_UNIT} on the machines`
        : null;
  return { nightly: true, lastGood, problem };
}

const time = (iso: string | undefined) => (iso === undefined ? 0 : new Date(iso).getTime());

/** The lines of the status. */
export function renderDump({ nightly, lastGood, problem }: DumpStatus, now: Date): string[] {
  const good = lastGood === null ? "none" : describeRun(lastGood, now);
  const off = nightly === false ? "; nightly dumps are off" : "";
  return [`last dump: ${good}${off}`, ...(problem === null ? [] : [`dumps: ${problem}`])];
}

function describeRun({ file, machine, finished, bytes, copied }: DumpRun, now: Date): string {
  const copy = copied === null ? "" : copied ? ", copied" : ", NOT COPIED";
  return `${ago(finished, now)}, ${sizeText(bytes)}${copy}, ${file ?? "?"} on ${machine}`;
}

function ago(iso: string, now: Date): string {
  const minutes = Math.max(0, Math.round((now.getTime() - time(iso)) / 60_000));
  if (minutes < 120) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} h ago` : `${Math.round(hours / 24)} days ago`;
}

function sizeText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${step === 0 ? bytes : (bytes / 1024 ** step).toFixed(1)} ${units[step] ?? ""}`;
}

/**
 * Makes a dump now, as the timer would.
 *
 * @throws Error with the reason, if it failed.
 */
export async function dumpNow(outputs: StackOutputs): Promise<string> {
  const machine = await primaryMachine(outputs);
  const script = `note=${DUMP_FOLDER}/last.json
[ -f /etc/systemd/system/${UNIT} ] || { echo "$(hostname) has no dumps set up: update the stack with pulumi up" >&2; exit 1; }
before=$(stat -c %y "$note" 2> /dev/null || true)
systemctl start ${UNIT} 2> /dev/null || true
[ "$before" != "$(stat -c %y "$note" 2> /dev/null || true)" ] || { echo "the dump did not run: journalctl -u ${DUMP_UNIT} says why" >&2; exit 1; }
printf 'dump last.json '; cat "$note"`;
  const { code, stdout } = await runOn(machine, script, []);
  const { last } = parseDumpNotes(machine.name, stdout);
  if (code !== 0 || last === undefined) throw new Error(`no dump on ${machine.name}`);
  if (last.error !== null) throw new Error(`dump FAILED on ${machine.name}: ${last.error}`);
  const copied = last.copied === true ? ", copied" : "";
  return `${machine.name}:${DUMP_FOLDER}/${last.file ?? ""}, ${sizeText(last.bytes)}${copied}\n`;
}

/** A dump that lies on a machine. */
export interface StoredDump {
  machine: Machine;
  file: string;
  bytes: number;
}

/** Every dump on the machines that answer, the newest first. */
export async function storedDumps(outputs: StackOutputs): Promise<StoredDump[]> {
  const core = machinesOf(outputs).filter(({ role }) => role === "core");
  const list = `find ${DUMP_FOLDER} -maxdepth 1 -type f -name '*.dump' -printf '%s %f\\n' 2> /dev/null || true`;
  const found = await Promise.all(
    core.map(async (machine) => {
      const text = (await tryOn(machine, list, 10)) ?? "";
      return [...text.matchAll(/^(\d+) (.+)$/gm)].map(([, bytes, file = ""]) => ({
        machine,
        file,
        bytes: Number(bytes),
      }));
    }),
  );
  return found.flat().sort((a, b) => b.file.localeCompare(a.file));
}

/** One line a dump. */
export function renderDumps(dumps: readonly StoredDump[]): string {
  if (dumps.length === 0) return "no dumps yet: ./scripts/trivet dump makes one\n";
  const lines = dumps.map(
    ({ machine, file, bytes }) => `${file}  ${machine.name}  ${sizeText(bytes)}\n`,
  );
  return lines.join("");
}
