import type { ArgsCheck } from "../core/args-check";
import type { Host } from "../core/host";
import { readScript } from "../core/remote-script";

/** One of this folder's scripts, with what they share in front. */
export function machineScript(...files: string[]): string {
  return ["lib.sh", ...files].map((file) => readScript(__dirname, file)).join("\n");
}

/** At least one machine, each with a usable name of its own. */
export function checkHosts(check: ArgsCheck, hosts: readonly Host[]): ArgsCheck {
  const names = hosts.map((host) => host.name);
  names.forEach((name, i) => check.name(name, `hosts[${i}].name`));
  return check.nonEmpty(hosts, "hosts").unique(names, "hosts");
}

/** One value for each machine, by its name. */
export function perHost<T>(hosts: readonly Host[], make: (host: Host) => T): Record<string, T> {
  return Object.fromEntries(hosts.map((host) => [host.name, make(host)]));
}

/** Reads JSON; what is none becomes undefined and is refused by the schema that follows. */
export function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
