import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { remoteScript } from "../core/remote-script";
import { renderLimits, renderSysctlConf, reservedPortList } from "./files";
import { checkHosts, machineScript, perHost } from "./shared";

/** Arguments of {@link KernelTuning}. */
export interface KernelTuningArgs {
  /** Machines to tune. At least one, names distinct. */
  hosts: readonly Host[];
  /**
   * Kernel parameters by name; these are added to {@link DEFAULT_SYSCTLS} and win over them. An
   * empty text takes a default out. @default {}
   */
  sysctls?: Readonly<Record<string, string | number>>;
  /** Names of parameters that a kernel may lack: then they are skipped. @default [] */
  optional?: readonly string[];
  /**
   * Ports that are never handed out as local ports, besides the platform's own. TCP and UDP, each 1
   * to 65535. @default []
   */
  reservedPorts?: readonly number[];
  /** Open files that Docker and each container may have. Count, 1024 to 1048576. @default 65535 */
  limitNoFile?: number;
}

/** What was read back from one machine. */
export interface Tuning {
  /** Values as the kernel shows them, white space made single blanks. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Running services that take the new limit of open files only when they are restarted. */
  readonly restartPending: readonly string[];
}

/** Values for bursts of short connections, and for peers that go without a word; the one place they live. */
export const DEFAULT_SYSCTLS: Readonly<Record<string, string>> = {
  "net.core.somaxconn": "65535",
  "net.ipv4.ip_local_port_range": "1024 65535",
  "net.ipv4.tcp_fin_timeout": "15",
  // A machine that lost its power sends no end of a connection: noticed after a minute, not after the kernel's own two
  // hours. pg_rewind, which only listens and has no setting of its own, was seen to wait for one.
  "net.ipv4.tcp_keepalive_intvl": "10",
  "net.ipv4.tcp_keepalive_probes": "3",
  "net.ipv4.tcp_keepalive_time": "30",
  "net.ipv4.tcp_max_syn_backlog": "65535",
  "net.ipv4.tcp_max_tw_buckets": "200000",
  // Without it a reload of a server that uses SO_REUSEPORT drops the connections in its queue.
  "net.ipv4.tcp_migrate_req": "1",
  // What was sent to a machine that fell silent is sent again after twice as long each time, and connections are given up
  // after 25 s instead of the kernel's 924 s (Elastic advises 5, for 13 s). A machine that was frozen for a minute was without the
  // Swarm's leader for 48 s after that, since nothing was due to be sent again before: with 15 everything was there twice
  // again after 75 to 83 s (three runs), with 6 after 11 and 14 s.
  "net.ipv4.tcp_retries2": "6",
};

const RESERVED = "net.ipv4.ip_local_reserved_ports";
const LIMIT_NO_FILE = 65_535;

/**
 * Kernel parameters and Docker's limit of open files: in force at once, at every boot, and read back
 * key by key. A key that the kernel lacks or refuses is an error that names machine, key and values.
 * Nothing is undone on removal: a parameter that is no longer given keeps its value until the machine
 * boots. Docker that is already running is not restarted, which would end its containers.
 */
export class KernelTuning extends Component {
  /** What was read back, by the machine's name. */
  readonly tuning: Readonly<Record<string, pulumi.Output<Tuning>>>;

  constructor(name: string, args: KernelTuningArgs, opts?: pulumi.ComponentResourceOptions) {
    const { hosts, conf, limitNoFile } = resolveArgs(name, args);
    super("trivet:machine:KernelTuning", name, opts);

    const script = machineScript("tune.sh");
    this.tuning = perHost(hosts, (host) => {
      const files = [conf, renderLimits(limitNoFile), String(limitNoFile)];
      const tune = remoteScript(
        `${name}-${host.name}-sysctl`,
        host,
        { script, args: [host.name, ...files] },
        this,
      );
      return tune.stdout.apply((stdout) => this.report(host.name, parseTuning(stdout)));
    });
    this.registerOutputs({ tuning: this.tuning });
  }

  private report(machine: string, tuning: Tuning): Tuning {
    for (const unit of tuning.restartPending) {
      const advice = `restart ${unit} there when its containers may stop, unless that was done since`;
      void pulumi.log.info(
        `${machine}: ${unit} ran with another limit of open files: ${advice}`,
        this,
      );
    }
    return tuning;
  }
}

/** Reads what the script printed: one `key = value` a line. */
export function parseTuning(stdout: string): Tuning {
  const lines = stdout.split("\n").flatMap((line) => {
    const [key = "", ...value] = line.split(" = ");
    return value.length > 0 ? [[key, value.join(" = ")] as const] : [];
  });
  const isPending = ([key]: readonly [string, string]) => key === "restart-pending";
  return {
    sysctls: Object.fromEntries(lines.filter((line) => !isPending(line))),
    restartPending: lines.filter(isPending).map(([, unit]) => unit),
  };
}

function resolveArgs(name: string, args: KernelTuningArgs) {
  const { hosts, sysctls = {}, optional = [], reservedPorts = [] } = args;
  const { limitNoFile = LIMIT_NO_FILE } = args;
  const check = checkHosts(new ArgsCheck(`KernelTuning "${name}"`), hosts)
    .integer(limitNoFile, "limitNoFile", 1024, 1_048_576)
    .that(
      !(RESERVED in sysctls),
      `sysctls["${RESERVED}"]`,
      "is computed, give reservedPorts instead",
    );
  reservedPorts.forEach((port, i) => check.port(port, `reservedPorts[${i}]`));
  const merged = mergeSysctls(check, sysctls);
  for (const [i, key] of optional.entries()) {
    check.that(key in merged || key === RESERVED, `optional[${i}]`, `is ${key}, which is not set`);
  }
  check.done();
  const all = { ...merged, [RESERVED]: reservedPortList(reservedPorts) };
  return { hosts, limitNoFile, conf: renderSysctlConf(all, optional) };
}

function mergeSysctls(check: ArgsCheck, given: Readonly<Record<string, string | number>>) {
  for (const [key, value] of Object.entries(given)) {
    const path = `sysctls["${key}"]`;
    // The kernel itself shows tabs between the numbers of one value.
    check.line(String(value).replaceAll("\t", " "), path);
    check.that(
      /^[a-z0-9_]+(\.[A-Za-z0-9_-]+)+$/.test(key),
      path,
      "is not a name such as net.core.somaxconn",
    );
    const finite = typeof value === "string" || Number.isSafeInteger(value);
    check.that(finite, path, `is ${value}, must be a whole number or a text`);
  }
  const entries = Object.entries({ ...DEFAULT_SYSCTLS, ...given });
  const words = (value: string | number) => String(value).trim().split(/\s+/).join(" ");
  return Object.fromEntries(
    entries.map(([key, value]) => [key, words(value)] as const).filter(([, value]) => value !== ""),
  );
}
