import { z } from "zod";
import { isInterfaceName } from "../../components/entry/keepalived-files";
import { networkSchema } from "./engine";
import { group, ipv4Number, isReachableIPv4, parseSubnet, text, wholeNumber } from "./fields";
import { machineSchema } from "./machines";
import { keysOf, valueAt } from "./problems";
import type { Report } from "./rules";

export const entrySchema = group({
  /** IPv4 address that users' DNS names lead to, and that no machine has as its own. Required. */
  address: text(
    "must be an IPv4 address that no machine has as its own, such as 10.0.0.100",
    isReachableIPv4,
  ),
  /**
   * Network interface that gets the address, of the same name on every core machine.
   * @default the one that holds `privateAddress`
   */
  interface: text(
    "must be the name of a network interface such as eth1",
    isInterfaceName,
  ).exactOptional(),
  /** Number of the group in VRRP, another one than any other's on that network, 1 to 255. @default 51 */
  routerId: wholeNumber(1, 255).default(51),
});

/** One address that a core machine whose nginx answers holds at any time. @interface */
export type EntryConfig = z.output<typeof entrySchema>;

/** Rules between the floating address and the rest, as far as that is right by itself. */
export function checkEntry(raw: Readonly<Record<string, unknown>>, report: Report): void {
  if (raw.entry === undefined) return;
  const machines = keysOf(raw.machines);
  const core = machines.filter((name) => valueAt(raw.machines, [name, "role"]) !== "app");
  if (core.length === 1) {
    const message =
      'is given, but there is one machine of role "core": a floating address needs three core machines';
    report(["entry"], message);
  }
  const address = entrySchema.safeParse(raw.entry).data?.address;
  if (address === undefined) return;
  for (const name of machines) {
    const machine = machineSchema.safeParse(valueAt(raw.machines, [name])).data;
    if (machine?.address === address || machine?.privateAddress === address) {
      report(["entry", "address"], `is ${address}, the address of machine ${name}`);
    }
  }
  const network = networkSchema.safeParse(raw.network ?? {}).data;
  for (const field of ["overlaySubnet", "gatewaySubnet", "addressPool"] as const) {
    const range = parseSubnet(network?.[field] ?? "");
    const place = ipv4Number(address) - (range?.first ?? Infinity);
    if (range !== undefined && place >= 0 && place < range.size) {
      report(["entry", "address"], `is ${address}, inside network.${field} (${network?.[field]})`);
    }
  }
}
