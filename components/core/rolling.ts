import type * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";

/**
 * Makes a member of a cluster on each machine. Members that the platform had before wait for each
 * other, so that a new image never stops two of them at a time; new ones start side by side.
 */
export function rolling<Member extends pulumi.Resource>(
  hosts: readonly Host[],
  make: (host: Host, after: pulumi.Resource[]) => Member,
): Member[] {
  let before: pulumi.Resource[] = [];
  return hosts.map((host) => {
    if (host.isNew !== false) return make(host, []);
    const member = make(host, before);
    before = [member];
    return member;
  });
}
