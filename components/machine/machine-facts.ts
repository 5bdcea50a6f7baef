import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import { remoteScript } from "../core/remote-script";
import { checkHosts, jsonOrUndefined, machineScript, perHost } from "./shared";

/** What the least machine must have. */
export interface MachineNeeds {
  /**
   * Least memory that a machine is accepted with. MiB, 256 to 1048576. What clouds sell as 2 GB
   * shows as about 1900. @default 1800
   */
  minMemoryMiB?: number;
  /** Least free disk at /var/lib, where images and data go. MiB, 100 to 1073741824. @default 5000 */
  minDiskMiB?: number;
}

/** Arguments of {@link MachineFacts}. */
export interface MachineFactsArgs extends MachineNeeds {
  /** Machines to measure. At least one, names distinct. */
  hosts: readonly Host[];
  /** Any text; machines are measured again when it changes, for example after a resize. */
  generation?: pulumi.Input<string>;
}

/** What was measured on one machine. */
export interface Facts {
  /** Memory that may be used: the control group's limit if it is lower than the hardware's. MiB. */
  readonly memoryMiB: number;
  /** Cores that may be used: the control group's quota, rounded, if it is lower. At least 1. */
  readonly cores: number;
  /** Operating system as /etc/os-release names it, such as `debian` and `13`. */
  readonly os: { readonly id: string; readonly versionId: string };
  /** Free at /var/lib. MiB. */
  readonly diskFreeMiB: number;
  /** Release of the kernel, such as `6.12.48+deb13-amd64`. */
  readonly kernel: string;
  /** `x86_64` or `aarch64`. */
  readonly architecture: string;
}

/** The one place these defaults live. */
export const MACHINE_NEEDS_DEFAULTS: Required<MachineNeeds> = {
  minMemoryMiB: 1800,
  minDiskMiB: 5000,
};

/**
 * Measures machines before anything is changed on them, and refuses those that the platform cannot
 * run on: Debian before 12, Ubuntu before 22.04 and other systems, other architectures than x86_64
 * and aarch64, too little memory or disk, a private address that no interface has. What changes a
 * machine goes with `dependsOn` on this.
 */
export class MachineFacts extends Component {
  /** Facts by the machine's name. */
  readonly facts: Readonly<Record<string, pulumi.Output<Facts>>>;

  constructor(name: string, args: MachineFactsArgs, opts?: pulumi.ComponentResourceOptions) {
    const { hosts, needs, generation } = resolveArgs(name, args);
    super("trivet:machine:MachineFacts", name, opts);

    const script = machineScript("facts.sh");
    this.facts = perHost(hosts, (host) => {
      const limits = [String(needs.minMemoryMiB), String(needs.minDiskMiB)];
      const probe = remoteScript(
        `${name}-${host.name}-facts`,
        host,
        {
          script,
          args: [host.name, ...limits, host.privateAddress, generation],
        },
        this,
      );
      return probe.stdout.apply((stdout) => parseFacts(host.name, stdout));
    });
    this.registerOutputs({ facts: this.facts });
  }
}

function resolveArgs(name: string, args: MachineFactsArgs) {
  const { hosts, generation = "", ...given } = args;
  const needs = withDefaults(MACHINE_NEEDS_DEFAULTS, given);
  checkHosts(new ArgsCheck(`MachineFacts "${name}"`), hosts)
    .integer(needs.minMemoryMiB, "minMemoryMiB", 256, 1_048_576)
    .integer(needs.minDiskMiB, "minDiskMiB", 100, 1_073_741_824)
    .done();
  return { hosts, needs, generation };
}

const FACTS = z.strictObject({
  memoryMiB: z.int().min(1),
  cores: z.int().min(1),
  os: z.strictObject({ id: z.string().min(1), versionId: z.string().min(1) }),
  diskFreeMiB: z.int().min(0),
  kernel: z.string().min(1),
  architecture: z.enum(["x86_64", "aarch64"]),
});

/** Reads what the probe printed. Throws a RunError that names the machine. */
export function parseFacts(machine: string, stdout: string): Facts {
  const parsed = FACTS.safeParse(jsonOrUndefined(stdout));
  if (parsed.success) return parsed.data;
  throw new pulumi.RunError(
    `${machine}: the measurement printed ${JSON.stringify(stdout.slice(0, 200))}, expected its JSON: ` +
      "check that nothing in the login shell's start files prints text",
  );
}
