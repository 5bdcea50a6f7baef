import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../components/core/host";
import { SshHost } from "../components/hosts/ssh-host";
import type { PlatformConfig } from "./config";

/** The stack's machines by their role. */
export interface Machines {
  /** Swarm managers with etcd, Postgres and nginx. The first one builds images and migrates. */
  core: Host[];
  /** Machines that run application replicas only. */
  app: Host[];
  all: Host[];
}

/** The machines that the configuration names, in its order. */
export function createMachines(config: PlatformConfig): Machines {
  const { privateKey, privateKeyPath, agent } = config.ssh;
  const identity = {
    ...(privateKey !== undefined && { privateKey: pulumi.secret(privateKey) }),
    ...(privateKeyPath !== undefined && { privateKeyPath }),
    ...(agent !== undefined && { agent }),
  };
  const made = Object.entries(config.machines).map(([name, machine]) => {
    const { role, address, privateAddress, port, user, hostKey } = machine;
    const host = new SshHost(name, { address, privateAddress, port, user, hostKey, identity });
    return { role, host };
  });
  const withRole = (role: string) => made.filter((m) => m.role === role).map((m) => m.host);
  return { core: withRole("core"), app: withRole("app"), all: made.map((m) => m.host) };
}
