import { readFileSync } from "node:fs";
import { join } from "node:path";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";
import { isLeftOut, LeftOut, onHost } from "./host";

/** Quotes `text` as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * The command of every remote script: bash as root, through sudo where the user is not root, reading
 * what to do on standard input. A failing command is printed whole, so it is short and holds nothing
 * but the resource's name; and neither script nor arguments show in the machine's process list.
 */
export function asRoot(name: string): string {
  return `if [ "$(id -u)" = 0 ]; then exec bash -s; else exec sudo -n bash -s; fi # ${name}`;
}

/** Not from standard input, where the engine hands the script itself over once more. */
const undoAsRoot = (line: string) => {
  const run = `bash -euc ${shellQuote(line)} < /dev/null`;
  return `if [ "$(id -u)" = 0 ]; then exec ${run}; else exec sudo -n ${run}; fi`;
};

/** A script that stops without a message of its own says at which of its lines, as it is written. */
const STRICT = `set -euo pipefail
trap 'printf "%s: stopped at: %s\\n" "$(hostname)" "$BASH_COMMAND" >&2' ERR`;

/** How long a script waits for an earlier run of itself. Seconds. */
const LOCK_SECONDS = 900;

/**
 * One run at a time: when an update is killed, its scripts go on, and the next update's would meet
 * them in the middle of the same work.
 */
function renderLock(name: string): string {
  const file = `/run/lock/trivet-${name.replaceAll(/[^\w.-]/g, "_")}`;
  const message = `$(hostname): an earlier run of ${file} still goes on after ${LOCK_SECONDS / 60} min: wait for it, or end it there`;
  return `exec 9> ${file}; flock --wait ${LOCK_SECONDS} 9 || { echo "${message}" >&2; exit 1; }\n`;
}

/**
 * What {@link asRoot} reads: the script as one group, which bash parses to its end before it starts,
 * and then the lines that the script itself reads. It ends with `exit`, so data is never run. With
 * `lock`, it waits for an earlier run of the same name on that machine.
 */
export function renderInput(
  script: string,
  args: readonly string[],
  data = "",
  lock?: string,
): string {
  const words = args.map(shellQuote).join(" ");
  const head = lock === undefined ? "" : renderLock(lock);
  return `{\n${STRICT}\n${head}set -- ${words}\n${script.trimEnd()}\nexit 0\n}\n${data}`;
}

/** Reads a script that lies beside the component which uses it. */
export function readScript(folder: string, file: string): string {
  return readFileSync(join(folder, file), "utf8").replace(/^#!.*\n/, "");
}

/** Arguments of {@link remoteScript}. */
export interface RemoteScriptArgs {
  /** Bash; idempotent; runs again when it, its arguments or its input change. Holds no secret. */
  script: string;
  /** Positional arguments of the script. */
  args?: pulumi.Input<pulumi.Input<string>[]>;
  /** What the script reads on standard input. Made secret here even if given as plain text. */
  stdin?: pulumi.Input<string>;
  /** Standard output is a secret. @default false */
  secretOutput?: boolean;
  dependsOn?: pulumi.CustomResourceOptions["dependsOn"];
  /** Runs when it is made, and never again. @default false */
  once?: boolean;
  /** Runs again when one of these changes, besides the script, its arguments and its input. */
  after?: pulumi.Input<string>[];
  /** One line of bash that takes back what the script did, unless the machine goes too. Is printed whole if it fails. */
  undo?: string;
}

/** A script that ran, or runs later on a machine that is out of reach. */
export type RemoteRun = pulumi.Resource & {
  readonly id: pulumi.Output<string>;
  readonly stdout: pulumi.Output<string>;
};

/** One idempotent script on one machine, as root. Its `stdout` is known once it has succeeded. */
export function remoteScript(
  name: string,
  host: Host,
  given: RemoteScriptArgs,
  parent: pulumi.Resource,
): RemoteRun {
  if (isLeftOut(host, "command:remote:Command", name)) return new LeftOut(name, parent);
  const data = given.stdin === undefined ? "" : pulumi.secret(given.stdin);
  const stdin = pulumi
    .all([given.args ?? [], given.after ?? [], data])
    .apply(([args, marks, lines]) => {
      const noted = marks.map((mark) => `# ${mark.replaceAll("\n", " ")}\n`).join("");
      return renderInput(noted + given.script, args, lines, name);
    });
  return new remote.Command(
    name,
    {
      connection: host.connection,
      create: asRoot(name),
      ...(given.undo !== undefined && { delete: undoAsRoot(given.undo) }),
      stdin,
      // Scripts are idempotent: they look at the machine, not at what they printed the last time.
      addPreviousOutputInEnv: false,
      logging: "none",
    },
    {
      ...onHost(host, parent, given.dependsOn),
      ...(given.once === true && { ignoreChanges: ["*"] }),
      ...(given.undo !== undefined && host.resource && { deletedWith: host.resource }),
      ...(given.secretOutput === true && { additionalSecretOutputs: ["stdout"] }),
    },
  );
}
