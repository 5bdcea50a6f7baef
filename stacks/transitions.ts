import { z } from "zod";
import { InvalidArgsError } from "../components/core/args-check";
import type { StateResource } from "../components/core/stack-state";
import type { PlatformConfig } from "./config";

const previousSchema = z.object({
  machines: z.record(
    z.string(),
    z.object({
      privateAddress: z.string(),
      role: z.string(),
      hostKey: z.string().optional(),
    }),
  ),
  database: z.object({ name: z.string(), user: z.string() }),
});

/** What the stack's last update wrote into its outputs, as far as changes of it are checked. */
export type Previous = z.output<typeof previousSchema>;

/** The last update that came to its end; undefined for a stack that was never up. */
export function previousOf(state: Readonly<Record<string, StateResource>>): Previous | undefined {
  const stack = Object.values(state).find(({ type }) => type === "pulumi:pulumi:Stack");
  return previousSchema.safeParse(stack?.outputs).data;
}

/**
 * Compares the configuration with what the stack's last update built, before anything is changed.
 *
 * @throws InvalidArgsError with every change that would leave data behind.
 */
export function checkTransitions(
  config: PlatformConfig,
  previous: Previous | undefined,
  stackName: string,
): void {
  if (previous === undefined) return;
  const problems = refusedChanges(previous, config);
  if (problems.length > 0) {
    throw new InvalidArgsError(`Configuration of stack ${JSON.stringify(stackName)}`, problems);
  }
}

/** Every change that would leave data behind and that the configuration does not allow by name. */
export function refusedChanges(previous: Previous, config: PlatformConfig): string[] {
  return [...changedMachines(previous, config), ...changedDatabase(previous, config)];
}

function changedMachines({ machines: before }: Previous, { machines }: PlatformConfig): string[] {
  const wereCore = Object.entries(before).filter(([, { role }]) => role === "core");
  const stayed = stayedCore({ machines: before }, { machines });
  return wereCore.flatMap(([name, was]) => {
    const path = `trivet:machines.${name}`;
    const now = machines[name];
    const renamed = Object.entries(machines).find(
      ([other, machine]) => other !== name && machine.privateAddress === was.privateAddress,
    );
    if (renamed !== undefined && now?.privateAddress !== was.privateAddress) {
      return [
        `trivet:machines.${renamed[0]}: is the machine that was called ${name}, and its data goes by that name: call it ${name} again`,
      ];
    }
    // Where a majority stays, it has the data, and gives it to whoever comes.
    if (stayed.length * 2 > wereCore.length || stayed.includes(name)) return [];
    const why = stayed.length > 0 ? fewStay(stayed.length, wereCore.length) : MOVE;
    if (now === undefined) return [`${path}: was removed, ${why}`];
    if (now.privateAddress !== was.privateAddress) {
      return [`${path}.privateAddress: was ${was.privateAddress} and is another one, ${why}`];
    }
    if (!isSame(was, now) && stayed.length > 0) {
      return [`${path}.hostKey: is another one, so that machine was made anew, ${why}`];
    }
    if (!isSame(was, now)) {
      return [
        `${path}.hostKey: is another one than at the last update. A machine that was made anew has lost the data: ${ANEW}. If only the key was changed, put the old key back on the machine`,
      ];
    }
    return now.role === "core" ? [] : [`${path}.role: was core and is ${now.role}, ${why}`];
  });
}

/** Names of the core machines. */
export function coreOf(machines: Readonly<Record<string, { role: string }>>): string[] {
  return Object.keys(machines).filter((name) => machines[name]?.role === "core");
}

/** Names of the core machines of the last update that still are the same ones. */
export function stayedCore(
  { machines: before }: Pick<Previous, "machines">,
  { machines }: Pick<PlatformConfig, "machines">,
): string[] {
  return coreOf(before).filter((name) => {
    const { [name]: was } = before;
    const { [name]: now } = machines;
    return was !== undefined && now?.role === "core" && isSame(was, now);
  });
}

type Identity = Pick<Previous["machines"][string], "privateAddress" | "hostKey">;

/** The same place, and the same key of its SSH server. */
export const isSame = (was: Identity, now: Identity) =>
  now.privateAddress === was.privateAddress &&
  (was.hostKey === undefined || now.hostKey === was.hostKey);

const ANEW =
  "remove the stack's state (pulumi stack rm --force --preserve-config), make the stack again, and restore the last dump";
const MOVE = `and the data would stay behind. Set it back; or, to move it, make a dump (./scripts/trivet dump), ${ANEW}`;

/** Those that stay have the data, but no majority to go on with. */
const fewStay = (stay: number, were: number) =>
  `and the ${stay} of ${were} core machines that would stay are too few to decide anything. Set it back, and change fewer than half of them in one update; or, to have fewer machines than that leaves, make a dump (./scripts/trivet dump), ${ANEW}`;

function changedDatabase({ database }: Previous, config: PlatformConfig): string[] {
  return (["name", "user"] as const).flatMap((key) => {
    const [was, is] = [database[key], config.database[key]];
    const path = `database.${key}` as const;
    if (was === is || config.allow.includes(path)) return [];
    const reason =
      key === "name"
        ? `the application would start with an empty database, and ${was} would stay behind`
        : `what belongs to ${was} would be closed to the application`;
    return [
      `trivet:${path}: was ${was} and is ${is}: ${reason}. Set it back; or, if that is what you want, set trivet:allow to [${path}]`,
    ];
  });
}
