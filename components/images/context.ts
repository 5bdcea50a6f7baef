import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync } from "node:fs";
import { join } from "node:path";
import dockerignore from "@balena/dockerignore";
import * as tar from "tar";

/** What a build gets: one archive, named by the hash of what is in it. */
export interface BuildContext {
  /** Path of the tar archive, relative to the program's folder where that was given so. */
  archive: string;
  /** First 16 hexadecimal digits of the SHA-256 of salt, paths, modes and contents. */
  hash: string;
}

/** A build needs it even where .dockerignore names it, as `docker build` itself has it. */
const ALWAYS = "Dockerfile";

/** Paths below `folder` that its .dockerignore lets through, sorted. */
export function contextFiles(folder: string): string[] {
  const ignored = dockerignore();
  try {
    ignored.add(readFileSync(join(folder, ".dockerignore"), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const kept = ignored.filter(filesBelow(folder).filter((path) => path !== ALWAYS));
  return [ALWAYS, ...kept].sort();
}

/** Files and links; a link is itself, wherever it leads. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      return filesBelow(join(folder, entry.name)).map((path) => `${entry.name}/${path}`);
    }
    return entry.isFile() || entry.isSymbolicLink() ? [entry.name] : [];
  });
}

/** What decides a file's part of the hash. */
function contentOf(path: string): { kind: string; content: string | Buffer } {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return { kind: "l", content: readlinkSync(path) };
  return { kind: (found.mode & 0o100) === 0 ? "-" : "x", content: readFileSync(path) };
}

/**
 * Packs a folder for `docker build`, the same folder to the same bytes. `salt` is what else decides
 * the result, such as build arguments.
 */
export function packContext(
  folder: string,
  archiveFolder: string,
  name: string,
  salt = "",
): BuildContext {
  const files = contextFiles(folder);
  const digest = createHash("sha256").update(salt);
  for (const path of files) {
    const { kind, content } = contentOf(join(folder, path));
    digest.update(`${path}\0${kind}\0`);
    digest.update(content);
    digest.update("\0");
  }
  const hash = digest.digest("hex").slice(0, 16);
  mkdirSync(archiveFolder, { recursive: true });
  const archive = join(archiveFolder, `${name}-${hash}.tar`);
  // Renamed when complete: an interrupted run must not leave half an archive under the final name.
  const partial = `${archive}.${process.pid}`;
  tar.create({ sync: true, cwd: folder, file: partial, portable: true, mtime: new Date(0) }, files);
  renameSync(partial, archive);
  return { archive, hash };
}
