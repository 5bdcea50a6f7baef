import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../../components/core/host";
import type { SwarmHandle } from "../../../components/swarm/swarm";
import type { Made, Outputs } from "./recorder";

export const TOKENS = { manager: "SWMTKN-1-manager-4711", worker: "SWMTKN-1-worker-0815" };
export const SWARM_ID = "swarm-of-the-platform";
export const FACTS = {
  memoryMiB: 3900,
  cores: 2,
  os: { id: "debian", versionId: "13" },
  diskFreeMiB: 30_000,
  kernel: "6.12.48+deb13-amd64",
  architecture: "x86_64",
};
/** Where the Swarm notes its VXLAN number, which nobody asked for. */
export const VXLAN = { "com.docker.network.driver.overlay.vxlanid_list": "4097" };

/** Value of the label that everything of the stack carries. */
export const OWNER = "0123456789abcdef";

export const passwordOf = (name: string) => `password-of-${name}`;
export const keyOf = (name: string) => `-----BEGIN PRIVATE KEY-----\nkey-of-${name}\n`;
export const certificateOf = (name: string) => `-----BEGIN CERTIFICATE-----\nof-${name}\n`;

const PRINTED: Readonly<Record<string, string>> = {
  facts: JSON.stringify(FACTS),
  sysctl: "net.core.somaxconn = 65535",
  // Some package's script may print before the result.
  docker: 'Setting up docker.io …\n{"version":"26.1.5+dfsg1","restartPending":""}',
  init: `${TOKENS.manager}\n${TOKENS.worker}\n${SWARM_ID}`,
};

/** What a script prints, without the last line's end as the provider has it; one that says nothing else prints an image's identity. */
function printed({ name }: Made): string {
  return PRINTED[name.split("-").at(-1) ?? ""] ?? `sha256:of-${name}`;
}

/** Machines, a Swarm and certificates that behave. */
export const PLATFORM_OUTPUTS: Outputs = {
  "command:remote:Command": (made) => ({ stdout: printed(made), stderr: "" }),
  "command:remote:CopyToRemote": () => ({}),
  "command:local:Command": () => ({ stdout: "", stderr: "" }),
  "docker:index/network:Network": ({ inputs }) => ({
    options: { ...(inputs.options as object), ...VXLAN },
  }),
  "docker:index/service:Service": () => ({}),
  "docker:index/secret:Secret": ({ name }) => ({ name: `${name}-1a2b3c` }),
  "pulumi:providers:docker": () => ({}),
  "random:index/randomId:RandomId": () => ({ hex: OWNER }),
  "random:index/randomPassword:RandomPassword": ({ name }) => ({ result: passwordOf(name) }),
  "tls:index/privateKey:PrivateKey": ({ name }) => ({ privateKeyPem: keyOf(name) }),
  "tls:index/certRequest:CertRequest": ({ name }) => ({ certRequestPem: `request-of-${name}` }),
  "tls:index/selfSignedCert:SelfSignedCert": ({ name }) => ({ certPem: certificateOf(name) }),
  "tls:index/locallySignedCert:LocallySignedCert": ({ name }) => ({ certPem: certificateOf(name) }),
};

export const SSH_KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nssh-key-of-everybody\n";

export function host(name: string, lastByte: number): Host {
  return {
    name,
    connection: { host: `203.0.113.${lastByte}`, privateKey: SSH_KEY },
    publicAddress: `203.0.113.${lastByte}`,
    privateAddress: `10.0.0.${lastByte}`,
    docker: { host: `ssh://root@203.0.113.${lastByte}:22`, sshOpts: ["-o", "BatchMode=yes"] },
  };
}

/** `count` machines called vm1, vm2, … */
export function hosts(count: number): Host[] {
  return Array.from({ length: count }, (_, i) => host(`vm${i + 1}`, i + 1));
}

/** Machines that the platform had before. */
export function knownHosts(count: number): Host[] {
  return hosts(count).map((each) => ({ ...each, isNew: false }));
}

/** One that nobody can sign in to; the state knows these of it, as `type::name`. */
export function awayHost(of: Host, ...known: string[]): Host {
  return { ...of, away: { known: new Set(known) } };
}

/** A Swarm that is there already. */
export function swarmHandle(): SwarmHandle {
  return {
    provider: new docker.Provider("manager", { host: "ssh://root@203.0.113.1:22" }),
    network: pulumi.output("overlay-id"),
    gatewayAddress: "10.212.0.1",
  };
}
