import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

/** What the check of a configuration needs to know of the place where Pulumi runs. */
export interface Surroundings {
  /** The user's home folder, absolute. */
  home: string;
  /** The folder that relative paths start from, absolute. */
  projectFolder: string;
  /** Socket of a running SSH agent, if there is one. */
  sshAuthSock: string | undefined;
  /** The time at which a certificate must be valid. */
  now: Date;
  /** Whether a file or folder is there. */
  exists: (path: string) => boolean;
}

/** The place where this process runs. */
export function surroundings(): Surroundings {
  const { SSH_AUTH_SOCK: socket } = process.env;
  const root = pulumi.runtime.getRootDirectory();
  return {
    home: homedir(),
    // Language hosts of old do not tell the project's folder; they start programs in it.
    projectFolder: isAbsolute(root) ? root : process.cwd(),
    sshAuthSock: socket === "" ? undefined : socket,
    now: new Date(),
    exists: existsSync,
  };
}

/** `path` with `~` expanded, made absolute. */
export function absolutePath(path: string, { home, projectFolder }: Surroundings): string {
  const expanded = path.replace(/^~(?=\/|$)/, () => home);
  return isAbsolute(expanded) ? expanded : join(projectFolder, expanded);
}
