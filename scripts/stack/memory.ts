import { machinesOf, tryOn } from "../operator/machines";
import type { StackOutputs } from "./pulumi";

const MIB = 1_048_576;
const MEASURE_SECONDS = 60;

/** Memory that one process or container of the platform holds. */
export interface MemoryUse {
  name: string;
  bytes: number;
}

/** What the platform takes on one machine, applications left out. */
export interface MachineMemory {
  machine: string;
  uses: MemoryUse[];
}

/**
 * Containers: what their control group charges less the file cache that can be dropped, as
 * `docker stats` has it. Docker itself: the resident set of its daemons.
 */
const MEASURE = `
docker ps --format '{{.ID}} {{.Label "com.docker.swarm.service.name"}} {{.Label "com.docker.swarm.node.id"}}' | while read -r id service _; do
  [ -n "$service" ] || continue
  if docker service inspect --format '{{range .Spec.TaskTemplate.Placement.Constraints}}{{.}}{{end}}' "$service" 2>/dev/null | grep -q trivet.machine; then
    docker stats --no-stream --format "$service {{.MemUsage}}" "$id" &
  fi
done
wait
for daemon in dockerd containerd; do
  for pid in $(pidof "$daemon"); do awk -v name="$daemon" '/^VmRSS/ { print name, $2 "KiB" }' "/proc/$pid/status"; done
done
for pid in $(pidof containerd-shim-runc-v2); do awk '/^VmRSS/ { print "containerd-shims", $2 "KiB" }' "/proc/$pid/status"; done
`;

const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: MIB, GiB: 1024 * MIB };

/** Reads lines of a name and a size such as `23.5MiB / 4GiB`; sizes of one name are added up. */
export function parseMemory(text: string): MemoryUse[] {
  const sums = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^(\S+) ([\d.]+)(B|KiB|MiB|GiB)\b/.exec(line);
    if (match === null) continue;
    const [, name = "", size = "", unit = ""] = match;
    sums.set(name, (sums.get(name) ?? 0) + Number(size) * (UNITS[unit] ?? Number.NaN));
  }
  return [...sums].map(([name, bytes]) => ({ name, bytes: Math.round(bytes) }));
}

/** Measures every core machine that answers. */
export async function platformMemory(outputs: StackOutputs): Promise<MachineMemory[]> {
  const core = machinesOf(outputs).filter(({ role }) => role === "core");
  const measured = await Promise.all(
    core.map(async (machine) => {
      const stdout = await tryOn(machine, MEASURE, MEASURE_SECONDS);
      return stdout === undefined ? [] : [{ machine: machine.name, uses: parseMemory(stdout) }];
    }),
  );
  return measured.flat();
}

/** MiB of everything on one machine. */
export function totalMiB({ uses }: MachineMemory): number {
  return Math.round(uses.reduce((sum, { bytes }) => sum + bytes, 0) / MIB);
}

/** One line a machine, on stderr. */
export function printMemory(machines: readonly MachineMemory[]): void {
  for (const machine of machines) {
    const parts = machine.uses
      .map(({ name, bytes }) => `${name} ${Math.round(bytes / MIB)}`)
      .join(", ");
    process.stderr.write(
      `memory of the platform on ${machine.machine}: ${totalMiB(machine)} MiB (${parts})\n`,
    );
  }
}
