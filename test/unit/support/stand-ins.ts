import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readScript, renderInput } from "../../../components/core/remote-script";

const COMPONENTS = join(__dirname, "..", "..", "..", "components");

/** Scripts that lie in a folder of `components`, one after the other. */
export const scriptOf = (folder: string, ...files: string[]): string =>
  files.map((file) => readScript(join(COMPONENTS, folder), file)).join("\n");

/** How a run ended, and what it said. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Programs that take the place of the machine's own while a script runs, and a folder for what they
 * note and answer: `$FOLDER` to them.
 */
export class StandIns {
  readonly folder = mkdtempSync(join(tmpdir(), "trivet-script-"));

  /** @param programs Bash without its first line, by name. */
  constructor(programs: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(programs)) {
      this.put(join("bin", name), `#!/bin/bash\n${text}`);
      chmodSync(this.at("bin", name), 0o755);
    }
  }

  at(...path: string[]): string {
    return join(this.folder, ...path);
  }

  put(path: string, text: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), text);
  }

  /** Lines of a file; none where there is no such file. */
  lines(path: string): string[] {
    if (!existsSync(this.at(path))) return [];
    return readFileSync(this.at(path), "utf8")
      .split("\n")
      .filter((line) => line !== "");
  }

  /** As a machine runs a script. */
  run(script: string, args: readonly string[], data = "", env: NodeJS.ProcessEnv = {}): Ran {
    return this.bash(["-s"], renderInput(script, args, data), env);
  }

  /** As a container runs a file. */
  bash(words: readonly string[], input = "", env: NodeJS.ProcessEnv = {}): Ran {
    const { status, stdout, stderr } = spawnSync("bash", words, {
      input,
      encoding: "utf8",
      // Mocha cannot end it: nothing else runs meanwhile.
      timeout: 15_000,
      env: { PATH: `${this.at("bin")}:/usr/bin:/bin`, FOLDER: this.folder, ...env },
    });
    return { status, stdout, stderr };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
