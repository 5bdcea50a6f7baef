/** A Swarm in memory. It keeps what it is told, refuses what Swarm refuses, and runs nothing. */
import { randomBytes } from "node:crypto";
import { z } from "zod";

const annotations = { Name: z.string(), Labels: z.record(z.string(), z.string()).nullish() };

const serviceSpec = z.looseObject({
  ...annotations,
  Mode: z.looseObject({ Replicated: z.looseObject({ Replicas: z.number() }) }),
  EndpointSpec: z.looseObject({ Mode: z.string() }),
  TaskTemplate: z.looseObject({
    ContainerSpec: z.looseObject({
      Image: z.string(),
      Secrets: z.array(z.looseObject({ SecretID: z.string(), SecretName: z.string() })).nullish(),
    }),
    Networks: z.array(z.looseObject({ Target: z.string() })).nullish(),
  }),
});
/** Without the data, which nobody can read back. */
const secretSpec = z.object(annotations);
const networkSpec = z.looseObject({
  ...annotations,
  Options: z.record(z.string(), z.string()).default({}),
  IPAM: z.looseObject({
    Config: z.array(z.looseObject({ Subnet: z.string(), Gateway: z.string().default("") })),
  }),
});

/** One object of the Swarm, as `docker inspect` shows it. */
export interface SwarmObject<Spec> {
  readonly ID: string;
  /** Goes up with every change, and must be known to change it again. */
  readonly version: number;
  readonly spec: Spec;
}
export type Service = SwarmObject<z.output<typeof serviceSpec>>;
export type Secret = SwarmObject<z.output<typeof secretSpec>>;
export type Network = SwarmObject<z.output<typeof networkSpec>>;

/** What Docker's API answers instead of doing it. */
export class Refused extends Error {
  constructor(
    readonly status: 400 | 403 | 404 | 409 | 500,
    message: string,
  ) {
    super(message);
  }
}

/** Objects of one kind, found by identity or by name as Docker finds them. */
class Shelf<Entry extends SwarmObject<{ Name: string }>> {
  private readonly entries = new Map<string, Entry>();
  constructor(private readonly kind: string) {}

  list(): Entry[] {
    return [...this.entries.values()];
  }

  get(key: string): Entry {
    const found = this.entries.get(key) ?? this.list().find(({ spec }) => spec.Name === key);
    if (found === undefined) throw new Refused(404, `${this.kind} ${key} not found`);
    return found;
  }

  checkFree(name: string): void {
    if (!this.list().some(({ spec }) => spec.Name === name)) return;
    const reason = `name conflicts with an existing object: ${this.kind} ${name} already exists`;
    throw new Refused(409, `rpc error: code = AlreadyExists desc = ${reason}`);
  }

  put(entry: Entry): void {
    this.entries.set(entry.ID, entry);
  }

  remove(key: string): void {
    this.entries.delete(this.get(key).ID);
  }
}

/** Identity of the machine's own network, which Swarm shows in place of its name. */
const HOST_NETWORK = "0".repeat(25);

/** The node that every task runs on. */
export const NODE_ID = "node1";

export class FakeSwarm {
  readonly services = new Shelf<Service>("service");
  readonly secrets = new Shelf<Secret>("secret");
  readonly networks = new Shelf<Network>("network");
  private changes = 10;

  createService(body: unknown): Service {
    const spec = this.resolve(serviceSpec.parse(body));
    this.services.checkFree(spec.Name);
    const service = { ID: newId(), version: this.next(), spec };
    this.services.put(service);
    return service;
  }

  updateService(id: string, version: number, body: unknown): void {
    const service = this.services.get(id);
    if (service.version !== version) {
      throw new Refused(500, "rpc error: code = Unknown desc = update out of sequence");
    }
    const spec = this.resolve(serviceSpec.parse(body));
    this.services.put({ ...service, version: this.next(), spec });
  }

  removeService(id: string): void {
    this.services.remove(id);
  }

  createSecret(body: unknown): Secret {
    const spec = secretSpec.parse(body);
    this.secrets.checkFree(spec.Name);
    const secret = { ID: newId(), version: this.next(), spec };
    this.secrets.put(secret);
    return secret;
  }

  removeSecret(id: string): void {
    const { ID, spec } = this.secrets.get(id);
    const users = this.services
      .list()
      .filter((service) => secretsOf(service.spec).some(({ SecretID }) => SecretID === ID));
    if (users.length > 0) {
      const names = users.map((user) => user.spec.Name).join(", ");
      const reason = `secret '${spec.Name}' is in use by the following service: ${names}`;
      throw new Refused(400, `rpc error: code = InvalidArgument desc = ${reason}`);
    }
    this.secrets.remove(ID);
  }

  /** Adds a VXLAN number and a gateway, as Swarm does. */
  createNetwork(body: unknown): Network {
    const asked = networkSpec.parse(body);
    if (this.networks.list().some(({ spec }) => spec.Name === asked.Name)) {
      throw new Refused(409, `network with name ${asked.Name} already exists`);
    }
    const vxlan = { "com.docker.network.driver.overlay.vxlanid_list": "4097" };
    const Config = asked.IPAM.Config.map((pool) => ({
      ...pool,
      Gateway: pool.Gateway === "" ? pool.Subnet.replace(/\d+\/\d+$/, "1") : pool.Gateway,
    }));
    const Options = { ...asked.Options, ...vxlan };
    const spec = { ...asked, Options, IPAM: { ...asked.IPAM, Config } };
    const network = { ID: newId(), version: this.next(), spec };
    this.networks.put(network);
    return network;
  }

  removeNetwork(id: string): void {
    const { ID, spec } = this.networks.get(id);
    const user = this.services.list().find((service) => networksOf(service.spec).includes(ID));
    if (user !== undefined) {
      const reason = `network ${spec.Name} is in use by service ${user.ID}`;
      throw new Refused(403, `rpc error: code = FailedPrecondition desc = ${reason}`);
    }
    this.networks.remove(ID);
  }

  /** Refuses what refers to nothing, and refers to networks by their identity. */
  private resolve(spec: Service["spec"]): Service["spec"] {
    for (const { SecretID } of secretsOf(spec)) this.secrets.get(SecretID);
    const { Networks, ...task } = spec.TaskTemplate;
    const found = (Networks ?? []).map((network) => ({
      ...network,
      Target: network.Target === "host" ? HOST_NETWORK : this.networks.get(network.Target).ID,
    }));
    return { ...spec, TaskTemplate: { ...task, Networks: found } };
  }

  /** Kind, identity and name of everything that carries a label, one a line. */
  labelled(label: string, value: string): string {
    const shelves = { service: this.services, network: this.networks, secret: this.secrets };
    return Object.entries(shelves)
      .flatMap(([kind, shelf]) =>
        shelf
          .list()
          .filter(({ spec }) => spec.Labels?.[label] === value)
          .map(({ ID, spec }) => `${kind} ${ID} ${spec.Name}\n`),
      )
      .join("");
  }

  private next(): number {
    this.changes += 1;
    return this.changes;
  }
}

const newId = (): string => randomBytes(12).toString("hex");
const secretsOf = ({ TaskTemplate }: Service["spec"]) => TaskTemplate.ContainerSpec.Secrets ?? [];
const networksOf = ({ TaskTemplate }: Service["spec"]) =>
  (TaskTemplate.Networks ?? []).map(({ Target }) => Target);
