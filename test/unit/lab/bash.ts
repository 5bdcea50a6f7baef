import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const REPOSITORY = join(__dirname, "../../..");

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A cache folder of its own and a PATH without Docker, so that no test can touch a real lab. */
export class LabSandbox {
  readonly cache = mkdtempSync(join(tmpdir(), "trivet-lab-test-"));

  /** Runs ./scripts/lab as a user would. */
  lab(...args: string[]): Ran {
    return this.run([join(REPOSITORY, "scripts/lab"), ...args]);
  }

  /** Runs a script that has the lab's functions, for the lab `test` on subnet 3, with `input` on stdin. */
  functions(script: string, input = ""): Ran {
    const parts = ["common", "state", "network", "images", "registry", "vm", "inventory", "faults"];
    const source = parts.map((part) => `source ${REPOSITORY}/lab/lib/${part}.sh`).join("\n");
    return this.run(
      ["-c", `set -euo pipefail\n${source}\nselect_lab test\nSUBNET_INDEX=3\n${script}`],
      input,
    );
  }

  remove(): void {
    rmSync(this.cache, { recursive: true, force: true });
  }

  private run(args: string[], input = ""): Ran {
    const { status, stdout, stderr } = spawnSync("bash", args, {
      input,
      encoding: "utf8",
      env: { PATH: "/usr/bin:/bin", TRIVET_CACHE: this.cache, DOCKER_HOST: "unix:///nonexistent" },
    });
    return { status, stdout, stderr };
  }
}
