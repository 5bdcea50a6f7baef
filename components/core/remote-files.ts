import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host";
import type { RemoteRun } from "./remote-script";
import { readScript, remoteScript } from "./remote-script";

/** One file on a machine. */
export interface RemoteFile {
  /** Absolute, without blanks. */
  path: string;
  content: pulumi.Input<string>;
  /** Octal permissions. @default "0644" */
  mode?: string;
  /** Numeric `uid:gid` of the container's user. @default "0:0" */
  owner?: string;
}

/** Arguments of {@link remoteFiles}. */
export interface RemoteFilesArgs {
  files: readonly RemoteFile[];
  /**
   * Bash that runs after each write, for example a reload of what is already running. Idempotent. If
   * it fails, the files that were there before are put back.
   */
  afterwards?: string;
  dependsOn?: pulumi.CustomResourceOptions["dependsOn"];
}

const WRITE_FILES = readScript(__dirname, "write-files.sh");

/** The line of write-files.sh's input for one file. */
export function renderFileLine(file: RemoteFile, content: string): string {
  const encoded = Buffer.from(content, "utf8").toString("base64");
  return `${file.path} ${file.mode ?? "0644"} ${file.owner ?? "0:0"} ${encoded}\n`;
}

/** Files of one component on one machine; contents travel on stdin, so they may hold secrets. */
export function remoteFiles(
  name: string,
  host: Host,
  args: RemoteFilesArgs,
  parent: pulumi.Resource,
): RemoteRun {
  const stdin = pulumi
    .all(args.files.map((file) => pulumi.output(file.content)))
    .apply((contents) =>
      args.files.map((file, i) => renderFileLine(file, contents[i] ?? "")).join(""),
    );
  return remoteScript(
    name,
    host,
    {
      script: WRITE_FILES,
      args: args.afterwards === undefined ? [] : [args.afterwards],
      stdin,
      ...(args.dependsOn && { dependsOn: args.dependsOn }),
    },
    parent,
  );
}

/**
 * Bash that lets the running container of a service judge its new files with `test`, and sends `signal`
 * only if they are good: most servers would go on with the old ones without a word.
 */
export function checkedSignal(service: string, test: string, signal: string): string {
  const filter = `label=com.docker.swarm.service.name=${service}`;
  return `for id in $(docker ps -q --filter ${filter}); do
  said=$(docker exec "$id" ${test} 2>&1) || { echo "$(hostname): ${service} refuses its new configuration, the one before stays: $said" >&2; exit 1; }
  docker kill --signal ${signal} "$id" >/dev/null
done`;
}

/** Bash that sends `signal` to the running container of a service, if there is one. */
export function signalService(service: string, signal: string): string {
  const filter = `label=com.docker.swarm.service.name=${service}`;
  return `docker ps -q --filter ${filter} | xargs -r docker kill --signal ${signal} >/dev/null`;
}
