import { z } from "zod";
import { ALWAYS, flag, group, port, text, wholeNumber } from "./fields";
import { isAddress, isHostKey, keyText, type MachineConfig } from "./machines";
import { absolutePath, type Surroundings } from "./surroundings";

const copySchema = group({
  /** IP address or DNS name that answers SSH; none of the core machines. Required. */
  address: text(
    "must be an IP address or a DNS name; user and port have their own fields",
    isAddress,
  ),
  /** TCP port of sshd, 1 to 65535. @default 22 */
  port: port().default(22),
  /** Login user, who may write into `path`; needs neither root nor sudo. Required. */
  user: text("must be a login name", (value) => /^[a-z_][a-z0-9_-]{0,31}$/.test(value)),
  /** Public host key, as `ssh-keyscan -t ed25519 ADDRESS` prints it behind the address. Required. */
  hostKey: text(
    'must read like "ssh-ed25519 AAAA…": take it from `ssh-keyscan -t ed25519 ADDRESS`, without the address',
    isHostKey,
  ).transform((value) => value.split(/\s+/).slice(0, 2).join(" ")),
  /** Folder there; made if it is missing. Required. */
  path: text(
    "must be an absolute path such as /srv/dumps, of letters, digits and . _ -",
    (value) => /^(\/[A-Za-z0-9_.][A-Za-z0-9._-]*)+$/.test(value) && !/\/\.\.?(\/|$)/.test(value),
  ),
  /** The user's private key, PEM or OpenSSH, without a passphrase. A secret: wrap it with `pulumi.secret`. */
  privateKey: keyText("must be a private key, PEM or OpenSSH").exactOptional(),
  /** Path of a file with that key where Pulumi runs; `~` is expanded. */
  privateKeyPath: text("must be the path of a private key file").exactOptional(),
}).superRefine(({ privateKey, privateKeyPath }, ctx) => {
  const named = [privateKey, privateKeyPath].filter((way) => way !== undefined).length;
  if (named === 1) return;
  const message = `names ${named === 0 ? "neither" : "both"} privateKey ${named === 0 ? "nor" : "and"} privateKeyPath, must name one`;
  ctx.addIssue({ code: "custom", message });
}, ALWAYS);

export const dumpSchema = group({
  /** Whether a dump is made each night. @default true */
  enabled: flag().default(true),
  /** Time of day, UTC. @default "02:30" */
  time: text('must be a time of day such as "02:30", in quotes', (value) =>
    /^([01]\d|2[0-3]):[0-5]\d$/.test(value),
  ).default("02:30"),
  /** How long a dump is kept; the newest one always is. Days, 1 to 3650. @default 14 */
  keepDays: wholeNumber(1, 3650).default(14),
  /** A second machine that gets a copy of each dump over SSH. @default none */
  copyTo: copySchema.exactOptional(),
});

/** The nightly dump of the database. @interface */
export type DumpConfig = z.output<typeof dumpSchema>;

/** What is wrong between the second machine and the stack's own, or the place where Pulumi runs. */
export function copyProblems(
  { address, privateKeyPath }: NonNullable<DumpConfig["copyTo"]>,
  machines: readonly (readonly [string, MachineConfig])[],
  at: Surroundings,
): { field: "address" | "privateKeyPath"; message: string }[] {
  const problems: { field: "address" | "privateKeyPath"; message: string }[] = [];
  const same = machines.find(
    ([, { role, ...machine }]) =>
      role === "core" && [machine.address, machine.privateAddress].includes(address),
  );
  if (same !== undefined) {
    const message = `is ${address}, of machine ${same[0]}, which has the database itself: name a machine that has not`;
    problems.push({ field: "address", message });
  }
  if (privateKeyPath !== undefined && !at.exists(absolutePath(privateKeyPath, at))) {
    const message = `is ${JSON.stringify(privateKeyPath)}, which does not exist`;
    problems.push({ field: "privateKeyPath", message });
  }
  return problems;
}
