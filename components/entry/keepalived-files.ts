import { readScript } from "../core/remote-script";
import { machineScript } from "../machine/shared";

/** What decides the files of one machine. Everything is checked before it comes here. */
export interface KeepalivedSettings {
  /** Address that the machine speaks to the others from. */
  own: string;
  /** Addresses of the other machines. */
  peers: readonly string[];
  /** The address that moves. */
  address: string;
  /** Length of its prefix. Bits. */
  prefixLength: number;
  /** The same on all machines, 1 to 255. */
  routerId: number;
  /** The highest takes the address when nobody has it, 1 to 254. */
  priority: number;
  /** The same on all machines, up to 8 letters and digits. */
  password: string;
  /** What nginx is asked for, as it stands in a request. */
  checkHost: string;
}

/** Where the script lies that asks nginx. Every folder on the way is root's. */
export const CHECK_PATH = "/etc/trivet/entry/check.sh";
/** Stands for the interface of the own address, which is found on the machine. */
export const OWN_INTERFACE = "@OWN_INTERFACE@";
/** Stands for the interface that gets the address. */
export const ADDRESS_INTERFACE = "@ADDRESS_INTERFACE@";
/** First line of a file that may be written over. */
export const MARK = "# Written by Trivet: changes made here are overwritten.";

/**
 * keepalived.conf. No machine is the first: each starts as one that waits (`state BACKUP`,
 * `nopreempt`), so the address stays where it is when a machine comes back. keepalived heeds
 * `nopreempt` only in a machine whose check takes it out altogether: the check has no `weight`, which
 * would leave the address on a machine without nginx.
 */
export function renderKeepalived(settings: KeepalivedSettings): string {
  const { own, peers, address, prefixLength, routerId, priority, password, checkHost } = settings;
  return [
    MARK,
    "global_defs {",
    "  enable_script_security",
    // keepalived 2.2 ends its own test of the configuration if scripts run as anybody else.
    "  script_user root",
    "}",
    "",
    "vrrp_script nginx {",
    `  script "${CHECK_PATH} ${own} ${checkHost}"`,
    "  interval 1",
    "  timeout 3",
    "  fall 2",
    "  rise 2",
    // A machine that boots takes no address before its nginx answers.
    "  init_fail",
    "}",
    "",
    "vrrp_instance entry {",
    "  state BACKUP",
    "  nopreempt",
    `  interface ${OWN_INTERFACE}`,
    `  virtual_router_id ${routerId}`,
    `  priority ${priority}`,
    "  advert_int 1",
    `  unicast_src_ip ${own}`,
    // One on a line: what follows an address there is read as its options, and that peer never hears of us.
    "  unicast_peer {",
    ...peers.map((peer) => `    ${peer}`),
    "  }",
    "  check_unicast_src",
    // Goes over the wire in clear: it tells apart platforms that share a number by mistake. Who may
    // speak at all is the firewall's business.
    "  authentication {",
    "    auth_type PASS",
    `    auth_pass ${password}`,
    "  }",
    "  virtual_ipaddress {",
    `    ${address}/${prefixLength} dev ${ADDRESS_INTERFACE}`,
    "  }",
    "  track_script {",
    "    nginx",
    "  }",
    // Of two that hold it after a cut, one gives up at once and the other, who never noticed, says nothing
    // new: neighbours would go on asking the one that gave up.
    "  garp_master_delay 1",
    "  garp_master_refresh 1",
    "}",
  ].join("\n");
}

/** Highest priority that is not VRRP's own: the higher, the shorter the wait of who takes over. */
const HIGHEST = 250;
const STEP = 10;

/** The machines' priorities, in their order: different, so that two never take over at a time. */
export function priorityOf(index: number): number {
  return HIGHEST - index * STEP;
}

/** A name that Linux gives a network interface, and that keepalived reads as one word. */
export function isInterfaceName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/.test(text);
}

/** What installs keepalived on a machine and puts it in force. */
export const KEEPALIVED_SCRIPT = [machineScript(), readScript(__dirname, "keepalived.sh")].join(
  "\n",
);
/** Gives the address up for good: keepalived starts no more without its file. One that somebody else wrote stays. */
export const KEEPALIVED_UNDO = `conf=/etc/keepalived/keepalived.conf; first=$(head -n 1 "$conf" 2> /dev/null) || true; [ "$first" = "${MARK}" ] || exit 0; systemctl disable --quiet --now keepalived; rm -f "$conf"`;
/** What asks nginx. With its first line: keepalived runs it as a program. */
export const CHECK_SCRIPT = `#!/bin/sh\n${readScript(__dirname, "check.sh").trimEnd()}`;

/** What to tell of machines whose nginx did not answer, by what each machine's script printed. */
export function silenceNotes(
  machines: readonly { readonly name: string }[],
  checkHost: string,
  printed: readonly string[],
): string[] {
  // Some package's script may have printed before: the result is the last line.
  const silent = machines.filter((_, i) => printed[i]?.trim().split("\n").at(-1) === "silent");
  return silent.map(
    ({ name }) =>
      `${name}: nginx did not answer for ${checkHost} when keepalived was set up: the address comes to that machine only once it does`,
  );
}
