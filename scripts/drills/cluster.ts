import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { PORTS } from "../../components/core/ports";
import { clusterScript, parseCluster, redundantWithin } from "../operator/health";
import type { Machine } from "../operator/machines";
import { callOn, firstAnswer, machinesOf } from "../operator/machines";
import { ROOT } from "../stack/pulumi";
import type { DrillTarget } from "./load";

const run = promisify(execFile);

/** Shell words for the container of a service. */
export const containerOf = (service: string) =>
  `$(docker ps -qf label=com.docker.swarm.service.name=${service} | head -n 1)`;

const etcdctl = (machine: string) =>
  `docker exec ${containerOf(`etcd-${machine}`)} etcdctl --cacert /etc/trivet/authority.pem --cert /etc/trivet/member.pem --key /etc/trivet/member-key.pem --endpoints https://127.0.0.1:${PORTS.etcdClient}`;

/** Prints `master` where the machine's Valkey is the primary. */
const cacheRole = (machine: string) =>
  `docker exec ${containerOf(`valkey-${machine}`)} bash -c 'REDISCLI_AUTH=$(sed -n "s/^requirepass \\"\\(.*\\)\\"$/\\1/p" /etc/trivet/valkey.conf) timeout 2 valkey-cli role | head -n 1'`;

/** The machines of a running platform, their roles of the moment, and the faults that can befall them. */
export class Cluster {
  readonly machines: readonly Machine[];

  constructor(
    readonly target: DrillTarget,
    private readonly labName: string,
  ) {
    this.machines = machinesOf(target.outputs).filter(({ role }) => role === "core");
  }

  get names(): string[] {
    return this.machines.map(({ name }) => name);
  }

  /** All core machines but one. */
  others(name: string): string[] {
    return this.names.filter((each) => each !== name);
  }

  addressOf(name: string): string {
    return this.target.outputs.machines[name]?.privateAddress ?? "";
  }

  /** A script as root on a machine; throws if it fails or does not answer. */
  async on(name: string, script: string, limitSeconds = 60): Promise<string> {
    const machine = this.machines.find((each) => each.name === name);
    if (machine === undefined) throw new Error(`there is no core machine ${name}`);
    const { code, stdout, stderr } = await callOn(machine, script, limitSeconds);
    if (code === 0) return stdout.trim();
    const how = code === null ? `not done within ${limitSeconds} s` : `exit code ${code}`;
    const [first = ""] = script.trim().split("\n");
    throw new Error(`on ${name}, ${first.slice(0, 200)}: ${how}: ${stderr.trim().slice(-500)}`);
  }

  /** What the first core machine to answer prints, without those that are out of order. */
  async anywhere(script: string, without: readonly string[] = []): Promise<string> {
    const asked = this.machines.filter(({ name }) => !without.includes(name));
    return (await firstAnswer(asked, script, 10))?.trim() ?? "";
  }

  async lab(...args: string[]): Promise<void> {
    await run(join(ROOT, "scripts", "lab"), [...args, "--lab", this.labName], { cwd: ROOT });
  }

  /** Machine of the Postgres primary. */
  async primary(without: readonly string[] = []): Promise<string> {
    const script = clusterScript(this.names.map((name) => this.addressOf(name)));
    const members = parseCluster(await this.anywhere(script, without));
    const primary = members.find(({ role }) => role === "primary");
    if (primary === undefined) throw new Error("the cluster has no primary");
    return primary.name;
  }

  /** Machine of etcd's leader. */
  async etcdLeader(): Promise<string> {
    for (const { name } of this.machines) {
      const status = await this.on(name, `${etcdctl(name)} endpoint status`, 10);
      if (status.split(", ")[4] === "true") return name;
    }
    throw new Error("etcd has no leader");
  }

  /** Names of etcd's voting members. */
  async etcdMembers(): Promise<string[]> {
    const [first = ""] = this.names;
    const lines = (await this.on(first, `${etcdctl(first)} member list`, 10)).split("\n");
    return lines
      .filter((line) => line.endsWith(", false"))
      .map((line) => line.split(", ")[2] ?? "");
  }

  /** Moves etcd's leadership to the member of a machine. */
  async moveEtcdLeader(to: string): Promise<void> {
    const from = await this.etcdLeader();
    if (from === to) return;
    const fields = await this.on(to, `${etcdctl(to)} endpoint status -w fields`);
    const member = BigInt(/^"MemberID" : (\d+)$/m.exec(fields)?.[1] ?? "0").toString(16);
    await this.on(from, `${etcdctl(from)} move-leader ${member}`);
  }

  /** Machine of Valkey's primary. */
  async cachePrimary(): Promise<string> {
    for (const name of this.names) {
      if ((await this.on(name, cacheRole(name), 10)) === "master") return name;
    }
    throw new Error("Valkey has no primary");
  }

  /** Machine of the Swarm's leader. */
  async swarmLeader(): Promise<string> {
    const format = `{{if .ManagerStatus.Leader}}{{index .Spec.Labels "trivet.machine"}}{{end}}`;
    const script = `docker node ls -q --filter role=manager | xargs docker node inspect --format '${format}'`;
    return (await this.anywhere(script)).trim();
  }

  /** Tasks of a service that run, on other machines than `without`. */
  async running(service: string, without: readonly string[] = []): Promise<number> {
    const format = "{{.Node}} {{.CurrentState}}";
    const script = `docker service ps ${service} --filter desired-state=running --format '${format}'`;
    const lines = (await this.anywhere(script, without)).split("\n");
    return lines.filter((line) => {
      const [node = "", state] = line.split(" ");
      return state === "Running" && !without.includes(node);
    }).length;
  }

  /** Waits until everything is redundant; throws with what is missing. Resolves to the seconds. */
  async redundantWithin(limitSeconds: number): Promise<number> {
    return await redundantWithin(this.target.outputs, limitSeconds);
  }
}
