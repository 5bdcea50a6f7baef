import { Cluster } from "./cluster";
import type { DrillResult } from "./drill";
import { judge, reasonOf } from "./drill";
import type { LabStack } from "./lab-stack";
import { observe } from "./load";
import { MACHINES, type MachinesUpdate } from "./machines-update";

export const WORKERS: MachinesUpdate = {
  name: "workers",
  about: "a machine that runs application replicas only comes and goes, on a lab of its own",
  boundSeconds: 2,
  httpBoundSeconds: 2,
  failedRequestsBound: 0,
  limits: { withoutReplica: 0, membersMore: 0, nodesLeft: 0 },
};

const REPLICAS = ["trivet:services", "web", "replicas"];

/** Two updates under load: the first adds `spare` as a worker and a replica for it, the second takes both away. */
export async function comeAndGo(
  stack: LabStack,
  [name, machine]: readonly [name: string, machine: unknown],
  run = 1,
): Promise<DrillResult> {
  const before = stack.configured(MACHINES) as Record<string, unknown>;
  const replicas = stack.configured(REPLICAS);
  const cluster = new Cluster(await stack.target(), stack.name);
  const members = await cluster.etcdMembers();
  const details: Record<string, number> = {};
  let redundantAfterSeconds = Number.NaN;
  let unrecovered: string | undefined;
  const observed = await observe(cluster.target, { stay: cluster.names }, async () => {
    stack.configure(MACHINES, { ...before, [name]: { ...(machine as object), role: "app" } });
    stack.configure(REPLICAS, cluster.names.length + 1);
    await stack.up();
    details.withoutReplica = (await cluster.running("web", cluster.names)) > 0 ? 0 : 1;
    details.membersMore = (await cluster.etcdMembers()).length - members.length;
    stack.configure(MACHINES, before);
    stack.configure(REPLICAS, replicas);
    await stack.up();
    const since = Date.now();
    details.nodesLeft =
      Number(await cluster.anywhere("docker node ls -q | wc -l")) - members.length;
    unrecovered = await reasonOf(cluster.redundantWithin(300));
    if (unrecovered === undefined) redundantAfterSeconds = (Date.now() - since) / 1000;
  });
  const seen = { observed, details, redundantAfterSeconds };
  return judge(WORKERS.name, WORKERS, run, seen, unrecovered);
}
