import { isIPv4 } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import { withDefaults } from "../core/defaults";
import type { Host } from "../core/host";
import { isLeftOut } from "../core/host";
import type { RemoteRun } from "../core/remote-script";
import { remoteScript } from "../core/remote-script";
import { checkHosts } from "../machine/shared";
import {
  CHECK_PATH,
  CHECK_SCRIPT,
  isInterfaceName,
  KEEPALIVED_SCRIPT,
  KEEPALIVED_UNDO,
  MARK,
  priorityOf,
  renderKeepalived,
  silenceNotes,
} from "./keepalived-files";

/** How the address is held. */
export interface FloatingAddressSettings {
  /**
   * Length of the address' prefix. Bits, 8 to 32. With 32 no route and no source address of the
   * machine changes; a shorter one adds a route to that network. @default 32
   */
  prefixLength?: number;
  /**
   * Network interface that gets the address, of the same name on every machine. Empty: the one that
   * holds the machine's private address. @default ""
   */
  interface?: string;
  /**
   * Number of the group in VRRP, 1 to 255. Another one than any other group's on the same network,
   * also of routers. @default 51
   */
  routerId?: number;
}

/** Arguments of {@link FloatingAddress}. */
export interface FloatingAddressArgs extends FloatingAddressSettings {
  /**
   * Machines that may hold the address, on one layer-2 network. From two to 20, names distinct. The
   * first one whose nginx answers gets it where nobody has it yet.
   */
  hosts: readonly Host[];
  /** IPv4 address that users reach, and that no machine has as its own. */
  address: string;
  /**
   * Host name that nginx serves, as it stands in a request: a machine whose nginx gives no answer
   * for it at port 80, or says 503 at `/.trivet/ready`, loses the address.
   */
  checkHost: string;
}

/** The one place these defaults live. */
export const FLOATING_ADDRESS_DEFAULTS: Required<FloatingAddressSettings> = {
  prefixLength: 32,
  interface: "",
  routerId: 51,
};

/**
 * One address that always leads to a machine whose nginx answers: keepalived on each machine holds
 * it, or takes it over within seconds (1.7 to 3.3 in a lab; about 6 where nginx hangs instead of
 * ending). It stays where it is when a machine starts again. The
 * machines speak VRRP to each other's private address, which {@link Firewall} lets through.
 *
 * It is for networks where a machine may claim an address by ARP; most clouds' are none. With the
 * resource goes the address; keepalived stays installed, and stopped.
 */
export class FloatingAddress extends Component {
  private static readonly type = "trivet:entry:FloatingAddress";

  /**
   * Where the platform has no address any more: machines out of reach keep what they have of it until they can be
   * reached. To take it away now, the engine would dial them for minutes, and then fail.
   */
  static keepOn(name: string, hosts: readonly Host[]): void {
    const kept = hosts.filter(
      (host) =>
        host.away !== undefined &&
        !isLeftOut(host, "command:remote:Command", keepalivedName(name, host)),
    );
    if (kept.length === 0) return;
    const parent = new pulumi.ComponentResource(FloatingAddress.type, name);
    const script = { script: KEEPALIVED_SCRIPT, undo: KEEPALIVED_UNDO };
    for (const host of kept) remoteScript(keepalivedName(name, host), host, script, parent);
  }

  /** The address, known once keepalived runs on every machine. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: FloatingAddressArgs, opts?: pulumi.ComponentResourceOptions) {
    const settings = resolveArgs(name, args);
    super(FloatingAddress.type, name, opts);

    const { result } = new random.RandomPassword(
      `${name}-password`,
      // All that VRRP has room for.
      { length: 8, special: false },
      { parent: this },
    );
    const machines = pulumi
      .all(args.hosts.map((host) => pulumi.all([host.privateAddress, host.publicAddress])))
      .apply((all) => checkMachines(name, args.address, all));
    const runs = args.hosts.map((host, i) => {
      const files = pulumi
        .all([machines, pulumi.secret(result)])
        .apply(([known, password]) => renderFiles({ ...args, ...settings }, known, i, password));
      return this.runKeepalived(name, host, args.checkHost, settings.interface, files);
    });
    this.address = pulumi.all(runs.map(({ stdout }) => stdout)).apply((said) => {
      for (const note of silenceNotes(args.hosts, args.checkHost, said)) {
        void pulumi.log.warn(note, this);
      }
      return args.address;
    });
    this.registerOutputs({ address: this.address });
  }

  private runKeepalived(
    name: string,
    host: Host,
    checkHost: string,
    device: string,
    stdin: pulumi.Output<string>,
  ): RemoteRun {
    const words = [host.name, host.privateAddress, device, checkHost, CHECK_PATH, MARK];
    return remoteScript(
      keepalivedName(name, host),
      host,
      { script: KEEPALIVED_SCRIPT, args: words, stdin, undo: KEEPALIVED_UNDO },
      this,
    );
  }
}

const keepalivedName = (name: string, host: Host) => `${name}-${host.name}-keepalived`;
const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");

/** The two lines that the script reads. */
function renderFiles(
  args: FloatingAddressArgs & Required<FloatingAddressSettings>,
  machines: readonly string[],
  index: number,
  password: string,
): string {
  const conf = renderKeepalived({
    ...args,
    own: machines[index] ?? "",
    peers: machines.filter((_, i) => i !== index),
    priority: priorityOf(index),
    password,
  });
  return `${base64(CHECK_SCRIPT)}\n${base64(conf)}\n`;
}

function resolveArgs(name: string, args: FloatingAddressArgs): Required<FloatingAddressSettings> {
  const { hosts, address, checkHost, ...given } = args;
  const settings = withDefaults(FLOATING_ADDRESS_DEFAULTS, given);
  checkHosts(new ArgsCheck(`FloatingAddress "${name}"`), hosts)
    .that(
      hosts.length !== 1 && hosts.length <= 20,
      "hosts",
      `has ${hosts.length} entries, must have from 2 to 20: the address moves from one to another`,
    )
    .that(isIPv4(address), "address", `is ${JSON.stringify(address)}, must be an IPv4 address`)
    .that(
      /^[A-Za-z0-9.:[\]-]{1,255}$/.test(checkHost),
      "checkHost",
      `is ${JSON.stringify(checkHost)}, must be a host name`,
    )
    .integer(settings.prefixLength, "prefixLength", 8, 32)
    .integer(settings.routerId, "routerId", 1, 255)
    .that(
      settings.interface === "" || isInterfaceName(settings.interface),
      "interface",
      `is ${JSON.stringify(settings.interface)}, must be the name of a network interface such as eth1`,
    )
    .done();
  return settings;
}

/** Addresses of machines are known only when the machines are. Returns those that they speak from. */
function checkMachines(
  name: string,
  address: string,
  machines: readonly (readonly string[])[],
): readonly string[] {
  const check = new ArgsCheck(`FloatingAddress "${name}"`);
  const own = machines.map(([privateAddress = ""]) => privateAddress);
  own.forEach((found, i) => {
    const reason = `is ${JSON.stringify(found)}, must be an IPv4 address`;
    check.that(isIPv4(found), `hosts[${i}].privateAddress`, reason);
  });
  machines.forEach((found, i) => {
    check.that(
      !found.includes(address),
      "address",
      `is ${address}, which hosts[${i}] has as its own`,
    );
  });
  check.done();
  return own;
}
