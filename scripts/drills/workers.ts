import { Cluster } from "./cluster";
import type { DrillResult } from "./drill";
import { judge, reasonOf } from "./drill";
import type { LabStack } from "./lab-stack";
import { observe } from "./load";
import { MACHINES, type MachinesUpdate } from "./machines-update";

export const WORKERS: MachinesUpdate = {
  name: "workers",
  about: "a machine that runs application replicas only comes and goes, on a lab of its own",
  // Postgres restarts for the connections of one pooler more or less: as a switchover.
  boundSeconds: 3,
  httpBoundSeconds: 2,
  failedRequestsBound: 0,
  limits: { withoutReplica: 0, membersMore: 0, nodesLeft: 0 },
};

/** Where the application runs. */
const TASKS = `docker service ps web --filter desired-state=running --format '{{.Node}} {{slice .CurrentState 0 7}}'`;
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
    const tasks = await cluster.anywhere(TASKS);
    details.withoutReplica = tasks.split("\n").includes(`${name} Running`) ? 0 : 1;
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
