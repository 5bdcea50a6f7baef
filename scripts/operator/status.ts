import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { PORTS } from "../../components/core/ports";
import type { StackOutputs } from "../stack/pulumi";
import type { DumpNotes, DumpStatus } from "./dumps";
import { DUMP_NOTES, dumpStatus, parseDumpNotes, renderDump } from "./dumps";
import type { Machine } from "./machines";
import { liveManager, machinesOf, tryOn } from "./machines";
import type { Versions } from "./versions";
import { parseVersions, renderVersions, versionScript } from "./versions";

/** What `./scripts/trivet status` knows, and prints as JSON. */
export interface Status {
  urls: string[];
  machines: MachineStatus[];
  services: ServiceStatus[];
  database: MemberStatus[];
  /** Whole days until the certificate ends; null where the stack does not know it. */
  certificateDaysLeft: number | null;
  dump: DumpStatus;
  /** Of the programs on the machine that was asked, by their name. */
  versions: Versions;
}

/** A machine; what is unknown of one that does not answer is null. */
export interface MachineStatus {
  name: string;
  role: string;
  answers: boolean;
  diskUsedPercent: number | null;
  docker: string | null;
}

/** A service: tasks that run of tasks that are wanted. */
export interface ServiceStatus {
  name: string;
  running: number;
  wanted: number;
}

/** A member of the Postgres cluster, as Patroni has it. */
export interface MemberStatus {
  name: string;
  role: string;
  state: string;
  /** Bytes behind the primary; null on the primary, and where it is not known. */
  lagBytes: number | null;
}

const MACHINE_SECONDS = 5;
const MACHINE = `df --output=pcent /var/lib/docker | tail -n 1 | tr -dc 0-9; echo; docker version --format '{{.Server.Version}}'; ${DUMP_NOTES}`;
const SERVICES = `docker service ls --format '{{.Name}} {{.Replicas}}'`;

/** Asks everything at once: the slowest machine decides how long it takes. */
export async function readStatus(outputs: StackOutputs): Promise<Status> {
  const machines = machinesOf(outputs);
  const manager = await liveManager(machines);
  const addressOf = ({ name }: Machine) => outputs.machines[name]?.privateAddress ?? "";
  const ask = machines
    .map(addressOf)
    .map((address) => `curl -s -m 2 http://${address}:${PORTS.patroni}/cluster`)
    .join(" || ");
  const list = `${SERVICES}\n${versionScript(addressOf(manager))}`;
  const [states, services, cluster] = await Promise.all([
    Promise.all(machines.map(machineStatus)),
    tryOn(manager, list, MACHINE_SECONDS),
    tryOn(manager, ask, MACHINE_SECONDS * 2),
  ]);
  const now = new Date();
  return {
    urls: outputs.urls,
    machines: states.map(({ status }) => status),
    services: parseServices(services ?? ""),
    database: parseMembers(cluster ?? ""),
    certificateDaysLeft: daysLeft(outputs.certificate, now),
    dump: dumpStatus(
      states.flatMap(({ status, notes }) =>
        status.answers && status.role === "core" ? [notes] : [],
      ),
      now,
    ),
    versions: parseVersions(services ?? ""),
  };
}

async function machineStatus(
  machine: Machine,
): Promise<{ status: MachineStatus; notes: DumpNotes }> {
  const { name, role } = machine;
  const text = await tryOn(machine, MACHINE, MACHINE_SECONDS);
  const [disk = "", docker = ""] = (text ?? "").split("\n");
  const status = {
    name,
    role,
    answers: text !== undefined,
    diskUsedPercent: disk === "" ? null : Number(disk),
    docker: docker === "" ? null : docker,
  };
  return { status, notes: parseDumpNotes(name, text ?? "") };
}

/** Reads lines such as `web 2/2`. */
export function parseServices(text: string): ServiceStatus[] {
  return [...text.matchAll(/^(\S+) (\d+)\/(\d+)/gm)]
    .map(([, name = "", running, wanted]) => ({
      name,
      running: Number(running),
      wanted: Number(wanted),
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

const clusterSchema = z.object({
  members: z.array(
    z.object({
      name: z.string(),
      role: z.string(),
      state: z.string(),
      lag: z.union([z.number(), z.string()]).optional(),
    }),
  ),
});

/** Reads what Patroni's `/cluster` answers; nothing if it did not answer. */
export function parseMembers(text: string): MemberStatus[] {
  if (text.trim() === "") return [];
  const { members } = clusterSchema.parse(JSON.parse(text));
  return members.map(({ name, role, state, lag }) => ({
    name,
    role: role === "leader" ? "primary" : role.replaceAll("_", " "),
    state,
    lagBytes: typeof lag === "number" ? lag : null,
  }));
}

/** Whole days until a certificate ends. */
export function daysLeft(certificate: string | undefined, now: Date): number | null {
  if (certificate === undefined) return null;
  const end = new Date(new X509Certificate(certificate).validTo).getTime();
  return Math.floor((end - now.getTime()) / 86_400_000);
}

/** From here on there is no telling which write is the last one. */
const FULL_PERCENT = 95;
const isFull = (percent: number | null) => percent !== null && percent >= FULL_PERCENT;

/** Whether everything that should run does, and has room to. */
export function isHealthy({ machines, services, database, dump }: Status): boolean {
  return (
    machines.every(({ answers, diskUsedPercent }) => answers && !isFull(diskUsedPercent)) &&
    services.length > 0 &&
    services.every(({ running, wanted }) => running === wanted) &&
    database.some(({ role }) => role === "primary") &&
    dump.problem === null
  );
}

/** One screen. */
export function renderStatus(status: Status, now: Date): string {
  const disk = (m: MachineStatus) =>
    m.diskUsedPercent === null
      ? "-"
      : `${m.diskUsedPercent}% of disk${isFull(m.diskUsedPercent) ? "  < FULL" : ""}`;
  const days = status.certificateDaysLeft;
  return [
    ...status.urls,
    "",
    ...table(
      ["machine", "role", "state", "disk", "Docker"],
      status.machines.map((m) => [
        m.name,
        m.role,
        m.answers ? "answers" : "SILENT",
        disk(m),
        m.docker ?? "-",
      ]),
    ),
    "",
    ...table(
      ["service", "tasks"],
      status.services.map(({ name, running, wanted }) => [
        name,
        `${running}/${wanted}${running === wanted ? "" : "  <"}`,
      ]),
    ),
    "",
    ...table(
      ["database", "role", "state", "lag"],
      status.database.map((m) => [
        m.name,
        m.role,
        m.state,
        m.lagBytes === null ? "-" : `${m.lagBytes} bytes`,
      ]),
    ),
    "",
    days === null ? "certificate: unknown" : `certificate: ${days} days left`,
    ...renderDump(status.dump, now),
    ...renderVersions(status.versions),
    "",
  ].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((r) => r[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(head), ...rows.map(line)];
}
