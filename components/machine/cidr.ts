import { isIP, isIPv4, isIPv6 } from "node:net";

/** An IPv4 or IPv6 address, or a network of either in CIDR notation. */
export function isAddressOrCidr(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const version = isIP(address);
  // A zone such as fe80::1%eth0 names an interface of one machine: no rule can hold it.
  if (version === 0 || address.includes("%") || rest.length > 0) return false;
  if (prefix === undefined) return true;
  return /^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128);
}

/** An IPv4 network in CIDR notation; the prefix is required. */
export function isCidr4(text: string): boolean {
  return text.includes("/") && isAddressOrCidr(text) && !text.includes(":");
}

/** The IPv4 and the IPv6 entries of a list of addresses and networks. */
export function byFamily(entries: readonly string[]): { v4: string[]; v6: string[] } {
  const address = (entry: string) => entry.split("/")[0] ?? "";
  return {
    v4: entries.filter((entry) => isIPv4(address(entry))),
    v6: entries.filter((entry) => isIPv6(address(entry))),
  };
}
