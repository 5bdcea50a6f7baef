import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { PORTS } from "../../components/core/ports";
import type { StackOutputs } from "../stack/pulumi";
import type { Machine } from "./machines";
import { liveManager, machinesOf, tryOn } from "./machines";

/** What `./scripts/trivet status` knows, and prints as JSON. */
export interface Status {
  urls: string[];
  machines: MachineStatus[];
  services: ServiceStatus[];
  database: MemberStatus[];
  /** Whole days until the certificate ends; null where the stack does not know it. */
  certificateDaysLeft: number | null;
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
const MACHINE = `df --output=pcent /var/lib/docker | tail -n 1 | tr -dc 0-9; echo; docker version --format '{{.Server.Version}}'`;
const SERVICES = `docker service ls --format '{{.Name}} {{.Replicas}}'`;

/** Asks everything at once: the slowest machine decides how long it takes. */
export async function readStatus(outputs: StackOutputs): Promise<Status> {
  const machines = machinesOf(outputs);
  const manager = await liveManager(machines);
  const addresses = machines.map(({ name }) => outputs.machines[name]?.privateAddress ?? "");
  const ask = addresses
    .map((address) => `curl -s -m 2 http://${address}:${PORTS.patroni}/cluster`)
    .join(" || ");
  const [states, services, cluster] = await Promise.all([
    Promise.all(machines.map(machineStatus)),
    tryOn(manager, SERVICES, MACHINE_SECONDS),
    tryOn(manager, ask, MACHINE_SECONDS * 2),
  ]);
  return {
    urls: outputs.urls,
    machines: states,
    services: parseServices(services ?? ""),
    database: parseMembers(cluster ?? ""),
    certificateDaysLeft: daysLeft(outputs.certificate, new Date()),
  };
}

async function machineStatus(machine: Machine): Promise<MachineStatus> {
  const { name, role } = machine;
  const text = await tryOn(machine, MACHINE, MACHINE_SECONDS);
  const [disk = "", docker = ""] = (text ?? "").split("\n");
  return {
    name,
    role,
    answers: text !== undefined,
    diskUsedPercent: disk === "" ? null : Number(disk),
    docker: docker === "" ? null : docker,
  };
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

/** Whether everything that should run does. */
export function isHealthy({ machines, services, database }: Status): boolean {
  return (
    machines.every(({ answers }) => answers) &&
    services.length > 0 &&
    services.every(({ running, wanted }) => running === wanted) &&
    database.some(({ role }) => role === "primary")
  );
}

/** One screen. */
export function renderStatus(status: Status): string {
  const disk = (m: MachineStatus) =>
    m.diskUsedPercent === null ? "-" : `${m.diskUsedPercent}% of disk`;
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
