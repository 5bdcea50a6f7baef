import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { PORTS } from "../../components/core/ports";
import type { Machine } from "../operator/machines";
import { machinesOf, tryOn } from "../operator/machines";
import { parseMembers, parseServices } from "../operator/status";
import { ROOT } from "../stack/pulumi";
import type { DrillTarget } from "./load";

const run = promisify(execFile);

/** Everything that must be there twice is there. Why not, if not. */
export interface Redundancy {
  ok: boolean;
  missing: string[];
}

const MEMBERS = `for a in $(docker node ls -q | xargs docker node inspect --format '{{.Status.Addr}}'); do curl -s -m 2 "http://$a:${PORTS.patroni}/cluster" && break; done`;
const ETCD = (id: string) =>
  `docker exec ${id} etcdctl --cacert /etc/trivet/authority.pem --cert /etc/trivet/member.pem --key /etc/trivet/member-key.pem --endpoints https://127.0.0.1:${PORTS.etcdClient}`;

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

  /** A script as root on a machine; throws if it fails or does not answer. */
  async on(name: string, script: string, limitSeconds = 60): Promise<string> {
    const machine = this.machines.find((each) => each.name === name);
    const printed = machine && (await tryOn(machine, script, limitSeconds));
    if (printed === undefined) throw new Error(`on ${name}: ${script.slice(0, 200)} failed`);
    return printed.trim();
  }

  async lab(...args: string[]): Promise<void> {
    await run(join(ROOT, "scripts", "lab"), [...args, "--lab", this.labName], { cwd: ROOT });
  }

  /** The first answer of any machine but those of `without`. */
  async anywhere(script: string, without: readonly string[] = []): Promise<string | undefined> {
    const others = this.machines.filter(({ name }) => !without.includes(name));
    for (const machine of others) {
      const printed = await tryOn(machine, script, 10);
      if (printed !== undefined && printed.trim() !== "") return printed.trim();
    }
    return undefined;
  }

  /** Machine of the Postgres primary. */
  async primary(): Promise<string> {
    const found = parseMembers((await this.anywhere(MEMBERS)) ?? "");
    const primary = found.find(({ role }) => role === "primary");
    if (primary === undefined) throw new Error("the cluster has no primary");
    return primary.name;
  }

  /** Machine of etcd's leader. */
  async etcdLeader(): Promise<string> {
    for (const { name } of this.machines) {
      const id = `$(docker ps -qf label=com.docker.swarm.service.name=etcd-${name})`;
      const status = await this.on(name, `${ETCD(id)} endpoint status`, 10);
      if (status.split(", ")[4] === "true") return name;
    }
    throw new Error("etcd has no leader");
  }

  /** Moves etcd's leadership to the member of a machine. */
  async moveEtcdLeader(to: string): Promise<void> {
    const from = await this.etcdLeader();
    if (from === to) return;
    const target = await this.on(
      to,
      `${ETCD(`$(docker ps -qf label=com.docker.swarm.service.name=etcd-${to})`)} endpoint status -w fields | sed -n 's/^"MemberID" : //p'`,
    );
    const member = BigInt(target).toString(16);
    await this.on(
      from,
      `${ETCD(`$(docker ps -qf label=com.docker.swarm.service.name=etcd-${from})`)} move-leader ${member}`,
    );
  }

  /** Whether every service has all its tasks, every member follows, and every manager is there. */
  async redundancy(): Promise<Redundancy> {
    const [services, members, nodes] = await Promise.all([
      this.anywhere("docker service ls --format '{{.Name}} {{.Replicas}}'"),
      this.anywhere(MEMBERS),
      this.anywhere("docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'"),
    ]);
    const states = parseMembers(members ?? "");
    const missing = [
      ...parseServices(services ?? "")
        .filter(({ running, wanted }) => running !== wanted)
        .map(({ name, running, wanted }) => `${name} ${running}/${wanted}`),
      ...states
        .filter(({ role, state }) => state !== (role === "primary" ? "running" : "streaming"))
        .map(({ name, state }) => `${name} is ${state}`),
      ...(states.length === this.machines.length ? [] : [`${states.length} members of Postgres`]),
      ...(nodes ?? "").split("\n").filter((line) => !/ Ready (Leader|Reachable)$/.test(line)),
    ];
    return { ok: missing.length === 0, missing };
  }

  /** Waits until everything is redundant; throws with what is missing. Resolves to the seconds. */
  async redundantWithin(limitSeconds: number): Promise<number> {
    const started = Date.now();
    for (;;) {
      const { ok, missing } = await this.redundancy();
      const seconds = (Date.now() - started) / 1000;
      if (ok) return seconds;
      if (seconds > limitSeconds) {
        throw new Error(`not redundant within ${limitSeconds} s: ${missing.join(", ")}`);
      }
      await sleep(500);
    }
  }
}
