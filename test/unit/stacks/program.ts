import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import type { PlatformConfig } from "../../../stacks/config";
import { createMachines, type Machines } from "../../../stacks/machines";
import { createPlatform } from "../../../stacks/platform";
import { PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";
import { machine, parsed, type Changes } from "./config/fixture";
import { KEY } from "./config/pem";

export const ONE = { vm1: machine(1) };
export const THREE = {
  vm1: machine(1),
  vm2: machine(2),
  vm3: machine(3),
  app1: { ...machine(4), role: "app" },
};
export const GIVEN_SECRET = "the-mail-password-of-the-shop";
export const REGISTRY_PASSWORD = "the-password-of-the-registry";

/** A stack with one service that is pulled and one that is built. */
const base = (folder: string): Changes => ({
  ssh: { privateKey: KEY },
  domains: ["example.org", "www.example.org"],
  "images.registry": {
    address: "registry.lan/shop",
    username: "ci",
    password: REGISTRY_PASSWORD,
  },
  "services.web": {
    image: "shop:1.4",
    replicas: 3,
    workers: 4,
    env: { DEMO: "1" },
    secrets: { MAIL_PASSWORD: GIVEN_SECRET },
    generatedSecrets: ["SESSION_KEY"],
    migrate: ["npm", "run", "migrate"],
  },
  "services.api": {
    build: join(folder, "api"),
    port: 9000,
    replicas: 1,
    routes: [{ host: "example.org", path: "/api" }],
  },
});

/** Runs the whole program in a folder of its own. */
export class Program {
  readonly engine = new Recorder(PLATFORM_OUTPUTS);
  private readonly before = process.cwd();
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "trivet-program-")));

  constructor() {
    mkdirSync(join(this.folder, "api"));
    writeFileSync(join(this.folder, "api", "Dockerfile"), "FROM scratch\n");
    process.chdir(this.folder);
  }

  /** @param mark Changes what is known of the machines. */
  async run(
    changes: Changes,
    mark: (machines: Machines, config: PlatformConfig) => Machines = (machines) => machines,
  ): Promise<Record<string, pulumi.Input<unknown>>> {
    await this.engine.install();
    const config = parsed({ ...base(this.folder), ...changes }, { exists: () => true });
    const outputs = createPlatform(config, mark(createMachines(config), config));
    await this.engine.settled();
    return outputs;
  }

  remove(): void {
    process.chdir(this.before);
    rmSync(this.folder, { recursive: true });
  }
}
