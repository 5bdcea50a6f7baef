import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** What a script printed and how it ended. */
export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Every command that the scripts call, except those that a test replaces or leaves out. */
const COMMANDS = [
  ..."awk base64 bash cat chmod cp curl cut date df dirname du env find flock grep gzip head".split(
    " ",
  ),
  ..."id ln ls mkdir mv printf readlink rm sed sha256sum sleep sort tail tar tr uname wc xargs".split(
    " ",
  ),
];

let paths: string[] | undefined;

/** Where this machine has them; asked once, and builtins of the shell have no path. */
function commandPaths(): string[] {
  paths ??= spawnSync("bash", ["-c", `command -v ${COMMANDS.join(" ")}`], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => line.startsWith("/"));
  return paths;
}

const REPOSITORY = join(__dirname, "../../..");

/** A pulumi that knows its version and installs plugins that are a line of text. */
export const fakePulumi = (version: string): string => `#!/usr/bin/env bash
case $1 in
  version) echo v${version} ;;
  plugin)
    folder=$PULUMI_HOME/plugins/resource-$4-v$5
    mkdir -p "$folder"
    echo vendor >"$folder/pulumi-resource-$4"
    chmod +x "$folder/pulumi-resource-$4" ;;
esac
`;

/** A Go that logs each call, and "builds" a file that names its package. */
export const fakeGo = (version: string, buildSeconds = 0): string => `#!/usr/bin/env bash
echo "$*" >>"$FAKE_LOG"
case $1 in
  version) echo "go version go${version} linux/amd64" ;;
  env) echo "$HOME" ;;
  list) echo "go: downloading example.org/m v1.0.0" >&2; echo example.org/m ;;
  mod) printf '{\\n\\t"Dir": "%s"\\n}\\n' "$HOME/fetched-go" ;;
  build)
    sleep ${String(buildSeconds)}
    while [[ $1 != -o ]]; do shift; done
    printf '#!/bin/sh\\n# %s\\n' "$3" >"$2"
    chmod +x "$2" ;;
esac
`;

/**
 * A copy of the toolchain's scripts in a checkout of its own, with a home, a cache and a PATH that
 * has nothing but basic commands: no network, no package manager, nothing of this machine.
 */
export class Sandbox {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "toolchain-")));
  readonly cache = join(this.root, "cache");
  readonly path = join(this.root, "path");
  readonly log = join(this.root, "calls.log");
  readonly checkout = join(this.root, "checkout");

  constructor() {
    for (const folder of ["cache", "path", "home", "mirror/sdk"]) this.folder(folder);
    for (const file of commandPaths()) symlinkSync(file, join(this.path, basename(file)));
    cpSync(
      join(REPOSITORY, "scripts/toolchain"),
      join(this.folder("checkout/scripts"), "toolchain"),
      { recursive: true },
    );
    for (const name of ["command", "random", "tls"]) {
      this.executable(`checkout/test/plugins/bin/pulumi-resource-${name}`, "#!/bin/sh\n");
    }
  }

  folder(path: string): string {
    mkdirSync(join(this.root, path), { recursive: true });
    return join(this.root, path);
  }

  executable(path: string, text: string): string {
    const file = join(this.folder(dirname(path)), path.slice(dirname(path).length + 1));
    writeFileSync(file, text);
    chmodSync(file, 0o755);
    return file;
  }

  /** Makes the vendor's site: an archive with a pulumi of this version, and its checksum. */
  mirror(version: string, checksum?: string): string {
    const sdk = this.folder("mirror/sdk");
    this.executable("mirror/unpacked/pulumi/pulumi", fakePulumi(version));
    this.executable("mirror/unpacked/pulumi/pulumi-language-nodejs", "#!/bin/sh\n");
    const machine = process.arch === "arm64" ? "arm64" : "x64";
    const archive = `pulumi-v${version}-${process.platform}-${machine}.tar.gz`;
    execFileSync("tar", [
      "-czf",
      join(sdk, archive),
      "-C",
      join(this.root, "mirror/unpacked"),
      "pulumi",
    ]);
    const sum = execFileSync("sha256sum", [join(sdk, archive)], { encoding: "utf8" }).slice(0, 64);
    writeFileSync(join(sdk, `pulumi-${version}-checksums.txt`), `${checksum ?? sum}  ${archive}\n`);
    return `file://${join(this.root, "mirror")}`;
  }

  environment(more: Record<string, string> = {}): Record<string, string> {
    return {
      PATH: this.path,
      HOME: join(this.root, "home"),
      TRIVET_CACHE: this.cache,
      TRIVET_PULUMI_SITE: "none",
      FAKE_LOG: this.log,
      ...more,
    };
  }

  /** Runs `ensure`, or another script of the toolchain's folder. */
  ensure(more: Record<string, string> = {}, script = "ensure"): Ended {
    const file = join(this.checkout, "scripts/toolchain", script);
    return spawnSync(file, [], { encoding: "utf8", env: this.environment(more) });
  }

  /** As ensure, without waiting. */
  start(more: Record<string, string> = {}): { end: Promise<Ended>; terminate: () => void } {
    const file = join(this.checkout, "scripts/toolchain/ensure");
    const child = spawn(file, [], {
      env: this.environment(more),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended: Ended = { status: null, stdout: "", stderr: "" };
    child.stdout.on("data", (text: Buffer) => (ended.stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (ended.stderr += text.toString()));
    const end = new Promise<Ended>((resolve) => {
      child.on("close", (status) => {
        resolve({ ...ended, status });
      });
    });
    return { end, terminate: () => child.kill("SIGTERM") };
  }

  /** Runs bash text that has the toolchain's functions. */
  functions(text: string, more: Record<string, string> = {}): Ended {
    const parts = ["pins", "lib/messages", "lib/cache", "lib/go", "lib/node"];
    const sources = parts.map((part) => `source "$here/${part}.sh"`).join("\n");
    const here = join(this.checkout, "scripts/toolchain");
    const script = `set -euo pipefail\nhere=${here}\n${sources}\n${text}`;
    return spawnSync(join(this.path, "bash"), ["-c", script], {
      encoding: "utf8",
      env: this.environment(more),
    });
  }

  /** How often Go was called with this command. */
  goCalls(command: string): number {
    if (!existsSync(this.log)) return 0;
    const lines = readFileSync(this.log, "utf8").split("\n");
    return lines.filter((line) => line.startsWith(`${command} `)).length;
  }

  /** What `ensure` wrote about where each part came from, given the folder it printed. */
  static origin(bin: string): string {
    return readFileSync(join(dirname(bin.trim()), "origin.json"), "utf8").trim();
  }

  static list(folder: string): string[] {
    return readdirSync(folder).sort();
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
