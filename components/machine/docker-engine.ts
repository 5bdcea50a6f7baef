import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import { remoteScript } from "../core/remote-script";
import { isCidr4 } from "./cidr";
import { renderDaemonJson, SSHD_DROP_IN } from "./files";
import { checkHosts, jsonOrUndefined, machineScript, perHost } from "./shared";

/** Settings of the Docker daemon. The daemon.json key is in brackets. */
export interface DockerSettings {
  /** Size at which a container's log is rotated [log-opts.max-size]. MiB, 1 to 10240. @default 10 */
  logMaxSizeMiB?: number;
  /** Log files kept for each container [log-opts.max-file]. Count, 1 to 100. @default 5 */
  logMaxFiles?: number;
  /** Asked before Docker Hub [registry-mirrors]. URLs with http or https. @default [] */
  registryMirrors?: readonly string[];
  /** Reached without verified TLS [insecure-registries]. `host:port` or CIDR. @default [] */
  insecureRegistries?: readonly string[];
  /**
   * Networks that containers' networks are taken from [default-address-pools]: `base` a network in
   * CIDR notation, `size` the prefix of each piece. Empty: Docker's own choice. @default []
   */
  addressPools?: readonly { readonly base: string; readonly size: number }[];
  /** Lets sshd take the many connections that Pulumi and docker's ssh:// open. @default true */
  tuneSshd?: boolean;
}

/** Arguments of {@link DockerEngine}. */
export interface DockerEngineArgs extends DockerSettings {
  /** Machines that get Docker. At least one, names distinct. */
  hosts: readonly Host[];
}

/** Docker of one machine. */
export interface DockerState {
  /** Version of the running daemon, such as `26.1.5+dfsg1`. */
  readonly version: string;
  /** Keys of daemon.json that a daemon with containers takes only when it is restarted. */
  readonly restartPending: readonly string[];
}

/** The one place these defaults live. */
export const DOCKER_DEFAULTS: Required<DockerSettings> = {
  logMaxSizeMiB: 10,
  logMaxFiles: 5,
  registryMirrors: [],
  insecureRegistries: [],
  addressPools: [],
  tuneSshd: true,
};

/** The oldest version that is accepted. */
export const OLDEST_DOCKER = "25.0.0";

/** Versions with a known fault that breaks the platform, first to last, both included. */
export const REFUSED_DOCKER = [
  {
    first: "28.2.0",
    last: "28.2.999",
    reason: "its service names do not resolve in Swarm (moby#50129)",
  },
  {
    first: "29.0.0",
    last: "29.1.0",
    reason: "its DNS server for containers fails (moby#51614)",
  },
  {
    first: "29.1.1",
    last: "29.7.2",
    reason: "names stay unknown after a short disconnect (moby#53141)",
  },
] as const;

const INSTEAD = "install 28.5, or 26.1.5 from Debian 13";

/** The table for the machine's script: one line each, `first last text`. */
export function renderRefused(): string {
  return REFUSED_DOCKER.map((r) => `${r.first} ${r.last} ${r.reason}; ${INSTEAD}`).join("\n");
}

/**
 * Docker on each machine, 25 or newer. A good version that is there already is kept, one with a known
 * fault is refused by name. Else Debian's own package is installed (13 and newer), or Docker's,
 * pinned to 28.5. An operator's own keys in daemon.json stay. A change restarts Docker only where no
 * container runs; elsewhere it is told to read its file again, and what that leaves out is said.
 * Nothing is removed with the resource: Docker and its data stay on the machine.
 */
export class DockerEngine extends Component {
  /** Docker by the machine's name; known once it answers. */
  readonly engines: Readonly<Record<string, pulumi.Output<DockerState>>>;

  constructor(name: string, args: DockerEngineArgs, opts?: pulumi.ComponentResourceOptions) {
    const { hosts, settings } = resolveArgs(name, args);
    super("trivet:machine:DockerEngine", name, opts);

    const script = machineScript("version.sh", "docker.sh");
    const sshd = settings.tuneSshd ? SSHD_DROP_IN : "";
    const files = [OLDEST_DOCKER, renderRefused(), renderDaemonJson(settings), sshd];
    this.engines = perHost(hosts, (host) => {
      const install = remoteScript(
        `${name}-${host.name}-docker`,
        host,
        { script, args: [host.name, ...files] },
        this,
      );
      return install.stdout.apply((stdout) =>
        this.report(host.name, parseDocker(host.name, stdout)),
      );
    });
    this.registerOutputs({ engines: this.engines });
  }

  private report(machine: string, state: DockerState): DockerState {
    if (state.restartPending.length > 0) {
      const keys = state.restartPending.join(", ");
      const advice =
        "restart docker there when its containers may stop, unless that was done since";
      void pulumi.log.info(
        `${machine}: ${keys} of daemon.json changed while containers ran: ${advice}`,
        this,
      );
    }
    return state;
  }
}

function resolveArgs(name: string, { hosts, ...given }: DockerEngineArgs) {
  const settings = withDefaults(DOCKER_DEFAULTS, given);
  const check = checkHosts(new ArgsCheck(`DockerEngine "${name}"`), hosts)
    .integer(settings.logMaxSizeMiB, "logMaxSizeMiB", 1, 10_240)
    .integer(settings.logMaxFiles, "logMaxFiles", 1, 100);
  settings.registryMirrors.forEach((url, i) => {
    const ok = /^https?:\/\/[^\s/?#@]+\/?$/.test(url) && URL.canParse(url);
    check.that(
      ok,
      `registryMirrors[${i}]`,
      `is ${JSON.stringify(url)}, must be like https://mirror.example.org`,
    );
  });
  settings.insecureRegistries.forEach((registry, i) => {
    const ok = isCidr4(registry) || /^[A-Za-z0-9.-]+(:\d{1,5})?$/.test(registry);
    check.that(
      ok,
      `insecureRegistries[${i}]`,
      `is ${JSON.stringify(registry)}, must be host:port or a network`,
    );
  });
  settings.addressPools.forEach(({ base, size }, i) => {
    check.that(
      isCidr4(base),
      `addressPools[${i}].base`,
      `is ${JSON.stringify(base)}, must be like 10.214.0.0/16`,
    );
    check.integer(size, `addressPools[${i}].size`, Number(base.split("/")[1] ?? 0), 29);
  });
  check.done();
  return { hosts, settings };
}

const DOCKER_STATE = z.strictObject({ version: z.string().min(1), restartPending: z.string() });

/** Reads what the script printed. Throws a RunError that names the machine. */
export function parseDocker(machine: string, stdout: string): DockerState {
  // Some package's script may have printed before: the result is the last line.
  const last = stdout.trim().split("\n").at(-1) ?? "";
  const parsed = DOCKER_STATE.safeParse(jsonOrUndefined(last));
  if (!parsed.success) {
    const shown = JSON.stringify(last.slice(0, 200));
    throw new pulumi.RunError(
      `${machine}: the installation of Docker printed ${shown}, expected its JSON`,
    );
  }
  const { version, restartPending } = parsed.data;
  return { version, restartPending: restartPending.split(",").filter((key) => key !== "") };
}
