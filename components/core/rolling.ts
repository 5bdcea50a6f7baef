import type * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";

/**
 * Makes the same service on each machine. Those that the platform had before wait for each other, so
 * that a new image never stops two of them at a time, and the one beside the primary is the last; new
 * ones start side by side.
 */
export function rolling<Member extends pulumi.Resource>(
  hosts: readonly Host[],
  make: (host: Host, after: pulumi.Resource[]) => Member,
): Member[] {
  const made = new Map<Host, Member>();
  let before: pulumi.Resource[] = [];
  const rank = ({ hasPrimary }: Host) => (hasPrimary === true ? 1 : 0);
  for (const host of [...hosts].sort((a, b) => rank(a) - rank(b))) {
    const isThere = host.isNew === false;
    const member = make(host, isThere ? before : []);
    if (isThere) before = [member];
    made.set(host, member);
  }
  return hosts.flatMap((host) => made.get(host) ?? []);
}
