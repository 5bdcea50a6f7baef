import { readFileSync } from "node:fs";
import { join } from "node:path";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";
import { onHost } from "./host";

/** Quotes `text` as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Wraps a bash script so that it runs as root, through sudo where the user is not root. */
export function asRoot(script: string, args: readonly string[] = []): string {
  const words = ["bash", "-euo", "pipefail", "-c", script, "trivet", ...args].map(shellQuote);
  return `if [ "$(id -u)" = 0 ]; then set --; else set -- sudo -n; fi; exec "$@" ${words.join(" ")}`;
}

/** Reads a script that lies beside the component which uses it. */
export function readScript(folder: string, file: string): string {
  return readFileSync(join(folder, file), "utf8").replace(/^#!.*\n/, "");
}

/** Arguments of {@link remoteScript}. */
export interface RemoteScriptArgs {
  /** Bash; idempotent; runs again when it, its arguments or its input change. Holds no secret. */
  script: string;
  /** Positional arguments of the script. No secrets: they show in process lists. */
  args?: pulumi.Input<pulumi.Input<string>[]>;
  /** What the script reads on standard input: the only way for secrets. */
  stdin?: pulumi.Input<string>;
  /** What runs when the resource is deleted. Left out for everything that holds data. */
  deleteScript?: string;
  /** Standard output is a secret. @default false */
  secretOutput?: boolean;
  dependsOn?: pulumi.CustomResourceOptions["dependsOn"];
  /** Runs again when one of these changes, besides the script, its arguments and its input. */
  after?: pulumi.Input<string>[];
}

/** One idempotent script on one machine, as root. Its `stdout` is known once it has succeeded. */
export function remoteScript(
  name: string,
  host: Host,
  given: RemoteScriptArgs,
  parent: pulumi.Resource,
): remote.Command {
  const after = pulumi.all(given.after ?? []).apply((values) => values.join(" "));
  const create = pulumi
    .all([given.args ?? [], after])
    .apply(([args, marks]) => asRoot(given.script, args) + (marks === "" ? "" : ` # ${marks}`));
  return new remote.Command(
    name,
    {
      connection: host.connection,
      create,
      ...(given.stdin !== undefined && { stdin: pulumi.secret(given.stdin) }),
      ...(given.deleteScript !== undefined && { delete: asRoot(given.deleteScript) }),
      logging: "none",
    },
    {
      ...onHost(host, parent, given.dependsOn),
      ...(given.secretOutput === true && { additionalSecretOutputs: ["stdout"] }),
    },
  );
}
