import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { DUMP_FOLDER } from "../../components/backup/dump-files";
import type { StackOutputs } from "../stack/pulumi";
import { storedDumps } from "./dumps";
import type { Machine } from "./machines";
import { machinesOf, primaryMachine, runOn, sendFile, tryOn } from "./machines";

/** What the operator chose. */
export interface RestoreOptions {
  /** Do not ask. */
  yes: boolean;
  /** Owners as the dump has them; else everything goes to the application's role. */
  keepOwners: boolean;
  /** Folder that a relative path starts from. */
  from: string;
  /** Begin of the command lines that are shown. */
  command: string;
}

/** A dump, here or on a machine. */
export type DumpPlace =
  { kind: "here"; path: string } | { kind: "there"; machine: Machine; file: string };

const SCRIPT = readFileSync(join(__dirname, "restore.sh"), "utf8");
/** First bytes of what `pg_dump --format custom` writes. */
const MAGIC = "PGDMP";

/**
 * A file here, or a dump of that name on a machine; one on the primary's machine first.
 *
 * @throws Error if there is neither, or if the file here is no dump.
 */
export async function findDump(
  given: string,
  from: string,
  stored: () => Promise<{ machine: Machine; file: string }[]>,
  primary: string,
): Promise<DumpPlace> {
  const path = resolve(from, given);
  if (given.trim() !== "" && existsSync(path)) {
    checkDumpFile(path);
    return { kind: "here", path };
  }
  const there = (await stored()).filter(({ file }) => file === given);
  const found = there.find(({ machine }) => machine.name === primary) ?? there[0];
  if (found !== undefined) return { kind: "there", ...found };
  throw new Error(
    `${JSON.stringify(given)} is neither a file here nor a dump on a machine: ./scripts/trivet dumps lists those`,
  );
}

/** Looks at a file's start: a plain SQL file or an archive would fail late. */
function checkDumpFile(path: string): void {
  const shown = JSON.stringify(path);
  if (!statSync(path).isFile()) throw new Error(`${shown} is no file`);
  const start = Buffer.alloc(MAGIC.length);
  const file = openSync(path, "r");
  try {
    readSync(file, start);
  } finally {
    closeSync(file);
  }
  if (start.toString("latin1") !== MAGIC) {
    throw new Error(`${shown} is no dump: it must come from pg_dump --format custom`);
  }
}

/**
 * Puts a dump in the database's place; what was there is kept under another name.
 *
 * @returns What to tell the operator.
 * @throws Error if the database is as it was.
 */
export async function restore(
  outputs: StackOutputs,
  given: string,
  options: RestoreOptions,
): Promise<string> {
  const { name } = outputs.database;
  const primary = await primaryMachine(outputs);
  const place = await findDump(given, options.from, () => storedDumps(outputs), primary.name);
  const stamp = new Date().toISOString().replaceAll(/[-:]/g, "").replace("T", "_").slice(0, 15);
  if (!options.yes && !(await agreed(name, place))) return "nothing has been changed\n";

  const started = Date.now();
  const { path, temporary } = await bring(place, primary, stamp);
  const owners = options.keepOwners ? "dump" : "role";
  const words = [primary.name, `postgres-${primary.name}`, name, path, String(temporary)];
  const { code, stdout } = await runOn(primary, SCRIPT, [DUMP_FOLDER, ...words, stamp, owners]);
  if (code !== 0) throw new Error("the dump has not been restored");
  const before = stdout.trim();
  await endReaders(outputs, primary, before);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  return [
    `restored ${name} on ${primary.name} in ${seconds} s`,
    `The database as it was is kept as ${before}. When nobody needs it any more:`,
    `  ${options.command} psql -c 'DROP DATABASE ${before}'`,
    "",
  ].join("\n");
}

async function agreed(database: string, place: DumpPlace): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error("restore asks first: without a terminal give --yes");
  const from = place.kind === "here" ? place.path : `${place.file} on ${place.machine.name}`;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(
    `The database ${database} will be as in ${from}.\nWhat is in it now is kept under another name. Go on? [y/N] `,
  );
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** The dump's path on the primary's machine. */
async function bring(place: DumpPlace, primary: Machine, stamp: string) {
  if (place.kind === "there" && place.machine.name === primary.name) {
    return { path: `${DUMP_FOLDER}/${place.file}`, temporary: false };
  }
  const path = `${DUMP_FOLDER}/.restore-${stamp}`;
  const to = { machine: primary, path };
  if (place.kind === "there") {
    await sendFile({ machine: place.machine, path: `${DUMP_FOLDER}/${basename(place.file)}` }, to);
    return { path, temporary: true };
  }
  const file = openSync(place.path, "r");
  try {
    await sendFile(file, to);
  } finally {
    closeSync(file);
  }
  return { path, temporary: true };
}

/** On a standby a session stays in the database that it has opened, under whatever name: it would read on from the old one. */
async function endReaders(outputs: StackOutputs, primary: Machine, before: string): Promise<void> {
  const others = machinesOf(outputs).filter(
    ({ name, role }) => role === "core" && name !== primary.name,
  );
  const ended = await Promise.all(
    others.map(async (machine) => {
      const service = `label=com.docker.swarm.service.name=postgres-${machine.name}`;
      const script = `ask() { docker exec $(docker ps -qf ${service}) psql -XAtq -U postgres -c "$1"; }
for turn in 1 2 3 4 5 6 7 8 9 10; do
  if [ "$(ask "SELECT count(*) FROM pg_database WHERE datname = '${before}'")" = 1 ]; then break; fi
  sleep 1
done
ask "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '${before}'"`;
      return await tryOn(machine, script, 30);
    }),
  );
  for (const [i, machine] of others.entries()) {
    if (ended[i] !== undefined) continue;
    process.stderr.write(
      `trivet: ${machine.name} did not answer: readers there may still see ${before}; restart its Postgres\n`,
    );
  }
}
