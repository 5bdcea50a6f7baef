import { PORTS } from "../core/ports";

/** Merges ports into the kernel's form, ranges and commas: `80,443,2379-2381`. */
export function renderPortList(ports: readonly number[]): string {
  const sorted = [...new Set(ports)].sort((a, b) => a - b);
  const ranges: { first: number; last: number }[] = [];
  for (const port of sorted) {
    const range = ranges.at(-1);
    if (range?.last === port - 1) range.last = port;
    else ranges.push({ first: port, last: port });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join();
}

/** Every port of the platform and those given, none of which may become a local port. */
export function reservedPortList(given: readonly number[]): string {
  return renderPortList([...Object.values(PORTS), ...given]);
}

/**
 * The sysctl.d file. Keys are sorted, so that a change of order is none. The minus in front of an
 * optional key tells the loader at boot not to complain when the kernel lacks it.
 */
export function renderSysctlConf(
  sysctls: Readonly<Record<string, string>>,
  optional: readonly string[],
): string {
  const lines = Object.entries(sysctls)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${optional.includes(key) ? "-" : ""}${key} = ${value}`);
  return ["# Written by Trivet: changes made here are overwritten.", ...lines].join("\n");
}

/**
 * The systemd drop-in of Docker and containerd: their limit of open files, which each container has too, and none on how
 * often they are started again. By default three failures within a minute are the last; a full disk may be emptied an hour
 * later.
 */
export function renderLimits(limitNoFile: number): string {
  return [
    "# Written by Trivet: changes made here are overwritten.",
    "[Unit]",
    "StartLimitIntervalSec=0",
    "[Service]",
    `LimitNOFILE=${limitNoFile}`,
  ].join("\n");
}

/** What sshd needs to serve Pulumi and docker's ssh:// at once; its own limit is ten. */
export const SSHD_DROP_IN = [
  "# Written by Trivet: changes made here are overwritten.",
  "MaxStartups 100:30:200",
  "MaxSessions 100",
].join("\n");

/** What {@link renderDaemonJson} needs. */
export interface DaemonSettings {
  readonly logMaxSizeMiB: number;
  readonly logMaxFiles: number;
  readonly registryMirrors: readonly string[];
  readonly insecureRegistries: readonly string[];
  readonly addressPools: readonly { readonly base: string; readonly size: number }[];
}

/** The keys of Docker's daemon.json that the platform owns. An empty list leaves its key out. */
export function renderDaemonJson(settings: DaemonSettings): string {
  const { registryMirrors, insecureRegistries, addressPools } = settings;
  return JSON.stringify(
    {
      "log-driver": "local",
      "log-opts": {
        "max-size": `${settings.logMaxSizeMiB}m`,
        "max-file": String(settings.logMaxFiles),
      },
      // Swarm refuses to run with it.
      "live-restore": false,
      ...(registryMirrors.length > 0 && { "registry-mirrors": registryMirrors }),
      ...(insecureRegistries.length > 0 && { "insecure-registries": insecureRegistries }),
      ...(addressPools.length > 0 && { "default-address-pools": addressPools }),
    },
    undefined,
    2,
  );
}
