/** Copying to a remote machine over SFTP, with the official plugin's rules for destinations. */
import type { Client, SFTPWrapper, Stats } from "ssh2";
import { errorText, goErrno } from "../../lib/go.js";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { posix } from "node:path";

const NO_SUCH_FILE = 2;

export class RemoteFiles {
  private constructor(private readonly sftp: SFTPWrapper) {}

  static open(client: Client): Promise<RemoteFiles> {
    return new Promise((resolve, reject) => {
      client.once("close", () => {
        reject(new Error("ssh: connection lost"));
      });
      client.sftp((error, sftp) => {
        if (error === undefined) resolve(new RemoteFiles(sftp));
        else reject(new Error("ssh: subsystem request failed", { cause: error }));
      });
    });
  }

  /** @param path must be a file's, for a text has no name of its own. */
  async writeText(text: string, path: string): Promise<void> {
    const found = await this.stat(path);
    if (found?.isDirectory() === true) {
      throw new Error(
        `remote path ${path} is a directory; when using a text asset, remotePath must be a file path`,
      );
    }
    await this.makeParents(path);
    await call((done) => {
      this.sftp.writeFile(path, text, done);
    }, `failed to create remote file ${path}`);
  }

  /**
   * A file goes to `to`, or into it if that is a directory. A directory goes into `to` by its
   * own name, or with its content alone if `from` ends with a slash. Directories are made.
   */
  async copy(from: string, to: string): Promise<void> {
    const source = await stat(from).catch((error: unknown) => {
      throw new Error(`open ${from}: ${goErrno(error)}`, { cause: error });
    });
    if (source.isDirectory()) await this.copyDirectory(from, to);
    else await this.copyInto(from, to);
  }

  private async copyInto(from: string, to: string): Promise<void> {
    const found = await this.stat(to);
    if (found === undefined) await this.makeParents(to);
    const isDirectory = found?.isDirectory() === true;
    await this.copyFile(from, isDirectory ? posix.join(to, posix.basename(from)) : to);
  }

  private async copyDirectory(from: string, to: string): Promise<void> {
    if ((await this.stat(to)) === undefined) await this.makeAll(to);
    const target = from.endsWith("/") ? to : posix.join(to, posix.basename(from));
    await this.copyTree(from, target);
  }

  private async copyTree(from: string, to: string): Promise<void> {
    await this.makeDirectory(to);
    const entries = await readdir(from, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const [local, remote] = [join(from, entry.name), posix.join(to, entry.name)];
      if (entry.isDirectory()) await this.copyTree(local, remote);
      else await this.copyFile(local, remote);
    }
  }

  private async copyFile(from: string, to: string): Promise<void> {
    await call((done) => {
      this.sftp.fastPut(from, to, done);
    }, `failed to create remote file ${to}`);
  }

  private async makeDirectory(path: string): Promise<void> {
    const found = await this.stat(path);
    if (found?.isDirectory() === true) return;
    if (found !== undefined) throw new Error(`remote path ${path} exists but is not a directory`);
    await call((done) => {
      this.sftp.mkdir(path, done);
    }, `failed to create remote directory ${path}`);
  }

  private async makeAll(path: string): Promise<void> {
    const parent = posix.dirname(path);
    if (parent !== path && (await this.stat(parent)) === undefined) await this.makeAll(parent);
    await this.makeDirectory(path);
  }

  private async makeParents(path: string): Promise<void> {
    try {
      await this.makeAll(posix.dirname(path));
    } catch (error) {
      throw new Error(`failed to create parent directories for ${path}: ${errorText(error)}`, {
        cause: error,
      });
    }
  }

  private stat(path: string): Promise<Stats | undefined> {
    return new Promise((resolve, reject) => {
      this.sftp.stat(path, (error, stats) => {
        if (error === undefined) resolve(stats);
        else if ("code" in error && error.code === NO_SUCH_FILE) resolve(undefined);
        else reject(new Error(`failed to stat remote path ${path}: ${error.message}`));
      });
    });
  }
}

function call(run: (done: (error?: Error | null) => void) => void, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => {
      if (error === undefined || error === null) resolve();
      else reject(new Error(`${what}: ${error.message}`, { cause: error }));
    });
  });
}
