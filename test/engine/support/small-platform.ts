/** A platform of one machine or three whose configuration a test changes step by step. */
import { Project } from "./project";
import { startSwarmMachine, type SwarmMachine } from "./swarm-machine";

/** What changes from one update to the next. */
export interface Shape {
  image: string;
  replicas: number;
  logLevel: string;
  /** Of the application: Swarm cannot change a secret, so it is replaced. */
  apiKey: string;
  /** A second service. */
  worker: boolean;
  /** Largest body of a request, which nginx is told on every machine. MiB. */
  bodyMiB?: number;
  /** Base of the platform's own images. */
  debian?: string;
}

export const FIRST_SHAPE: Shape = {
  image: "registry.example.org/shop:1",
  replicas: 2,
  logLevel: "info",
  apiKey: "first",
  worker: true,
};

export interface SmallPlatform {
  readonly machine: SwarmMachine;
  readonly project: Project;
}

/** A stack that is not up yet. */
export async function startSmallPlatform(shape: Shape): Promise<SmallPlatform> {
  const machine = await startSwarmMachine();
  const project = new Project("prod");
  await project.init(configurationOf(shape, machine));
  return { machine, project };
}

/** The stack's configuration: JSON, and so YAML. The machines are called vm1, vm2, … */
export function configurationOf(shape: Shape, ...machines: readonly SwarmMachine[]): string {
  const { image, replicas, logLevel, apiKey } = shape;
  const web = {
    image,
    replicas,
    env: { LOG_LEVEL: logLevel },
    secrets: { API_KEY: apiKey },
    generatedSecrets: ["SESSION_SECRET"],
    migrate: ["npm", "run", "migrate"],
  };
  const worker = { image: "registry.example.org/worker:1", replicas: 1, routes: [] };
  const places = machines.map(({ port, hostKey }, i) => [
    `vm${i + 1}`,
    { address: "127.0.0.1", privateAddress: `192.0.2.${10 + i}`, port, hostKey },
  ]);
  const config = {
    "trivet:cloud": "ssh",
    "trivet:machines": Object.fromEntries(places) as object,
    "trivet:ssh": { privateKeyPath: "~/.ssh/id_ed25519" },
    "trivet:domains": ["example.org"],
    ...(shape.bodyMiB !== undefined && { "trivet:loadBalancer": { maxBodyMiB: shape.bodyMiB } }),
    ...(shape.debian !== undefined && { "trivet:images": { debian: shape.debian } }),
    "trivet:services": { web, ...(shape.worker && { worker }) },
  };
  return `config: ${JSON.stringify(config, null, 2)}\n`;
}
