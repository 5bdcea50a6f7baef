import { isIP } from "node:net";
import { z } from "zod";
import {
  ALWAYS,
  group,
  isDnsLabel,
  isDnsName,
  isReachableIPv4,
  mebibytes,
  MUST_BE_LABEL,
  named,
  normalisePem,
  port,
  text,
  wholeNumber,
} from "./fields";

import { hasPassphrase } from "../../components/hosts/private-key";

const MUST_BE_PRIVATE = "must be the machine's IPv4 address that the other machines reach";

export const machineSchema = group({
  /** IP address or DNS name that answers SSH and that users reach. Required. */
  address: text(
    "must be an IP address or a DNS name; user and port have their own fields",
    isAddress,
  ),
  /**
   * IPv4 address that the platform's other machines reach. Required with more than one machine.
   * @default `address`, when that is an IPv4 address
   */
  privateAddress: text(MUST_BE_PRIVATE, isReachableIPv4).exactOptional(),
  /** TCP port of sshd, 1 to 65535. @default 22 */
  port: port().default(22),
  /** Login user: root, or one who may use sudo without a password. @default "root" */
  user: text("must be a login name", (value) => /^[a-z_][a-z0-9_-]{0,31}$/.test(value)).default(
    "root",
  ),
  /**
   * Public host key, as `ssh-keyscan -t ed25519 ADDRESS` prints it behind the address. Required:
   * compare it with what the provider of the machine shows. A comment behind it is dropped.
   */
  hostKey: text(
    'must read like "ssh-ed25519 AAAA…": take it from `ssh-keyscan -t ed25519 ADDRESS`, without the address',
    isHostKey,
  ).transform((value) => value.split(/\s+/).slice(0, 2).join(" ")),
  /**
   * `core`: Swarm manager with etcd, Postgres and nginx; 1, 3 or 5 machines. `app`: application
   * replicas only; any number. @default "core"
   */
  role: z.enum(["core", "app"], 'must be "core" or "app"').default("core"),
  /** Memory that the platform may count on. MiB, 512 to 16777216. @default what is measured */
  memoryMiB: mebibytes(512).exactOptional(),
  /** Processor cores that the platform may count on. Count, 1 to 1024. @default what is measured */
  cores: wholeNumber(1, 1024).exactOptional(),
})
  .superRefine((machine, ctx) => {
    const { address, privateAddress } = machine;
    if (privateAddress === undefined && isAddress(address) && !isReachableIPv4(address)) {
      ctx.addIssue({ code: "custom", path: ["privateAddress"], message: MUST_BE_PRIVATE });
    }
  }, ALWAYS)
  .transform(({ privateAddress, ...machine }) => ({
    ...machine,
    /** IPv4 address that the platform's other machines reach. */
    privateAddress: privateAddress ?? machine.address,
  }));

/** Asked also of an address that is wrong, and so may be anything. */
export function isAddress(value: unknown): value is string {
  return typeof value === "string" && (isIP(value) !== 0 || isDnsName(value));
}

/** The type in a key's text and in its binary form must be the same, or it was cut or mixed up. */
export function isHostKey(value: string): boolean {
  const [type = "", body = ""] = value.split(/\s+/);
  if (!/^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521))$/.test(type)) return false;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(body)) return false;
  const bytes = Buffer.from(body, "base64");
  const start = 4 + type.length;
  return (
    bytes.length > start + 4 &&
    bytes.readUInt32BE(0) === type.length &&
    bytes.subarray(4, start).toString("latin1") === type
  );
}

/** One machine of the stack. @interface */
export type MachineConfig = z.output<typeof machineSchema>;

export const machinesSchema = named(machineSchema, MUST_BE_LABEL, isDnsLabel);

export const keyText = (must: string) =>
  z
    .string(must)
    .transform(normalisePem)
    .refine((value) => /-----BEGIN [A-Z ]*PRIVATE KEY-----\n/.test(value), must)
    .refine(
      (value) => !hasPassphrase(value),
      "has a passphrase, which docker's ssh cannot ask for: load the key into an agent, and set trivet:ssh.agent to true",
    );

const MUST_BE_AGENT = "must be true, false or the absolute path of an agent's socket";

export const sshSchema = group({
  privateKeyPath: text("must be the path of a private key file").exactOptional(),
  privateKey: keyText("must be a private key, PEM or OpenSSH").exactOptional(),
  agent: z
    .union([z.boolean(), text(MUST_BE_AGENT, (value) => /^~?\//.test(value))], {
      error: MUST_BE_AGENT,
    })
    .exactOptional(),
}).superRefine((ssh, ctx) => {
  const ways = [ssh.privateKeyPath, ssh.privateKey, ssh.agent === false ? undefined : ssh.agent];
  if (ways.filter((way) => way !== undefined).length > 1) {
    const message = "names more than one of privateKeyPath, privateKey and agent: keep one";
    ctx.addIssue({ code: "custom", message });
  }
}, ALWAYS);

/** How to prove who we are to every machine: exactly one of `privateKeyPath`, `privateKey`, `agent`. */
export interface SshConfig {
  /** Path of a private key file where Pulumi runs; `~` is expanded. */
  privateKeyPath?: string;
  /** The private key itself, PEM or OpenSSH. A secret: wrap it with `pulumi.secret`. */
  privateKey?: string;
  /** Absolute path of an SSH agent's socket; `true` takes `SSH_AUTH_SOCK`. @default `true`, when that is set */
  agent?: string | true;
}
