import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Sandbox, fakeGo } from "./sandbox.js";

const REPOSITORY = join(__dirname, "../../..");
const read = (path: string): string => readFileSync(join(REPOSITORY, path), "utf8");

describe("toolchain requirements", () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => {
    sandbox.remove();
  });

  const versions: [string, string, boolean][] = [
    ["3.200.0", "3.200.0", true],
    ["3.210.1", "3.200.0", true],
    ["3.199.9", "3.200.0", false],
    ["4.0.0", "3.200.0", true],
    ["1.9", "1.16", false],
    ["1.26", "1.25.11", true],
    ["3.201.0-alpha.1+dirty", "3.200.0", true],
    ["unknown", "3.200.0", false],
    ["", "1.16", false],
  ];
  for (const [version, minimum, enough] of versions) {
    it(`${enough ? "takes" : "refuses"} ${version === "" ? "no version" : version} for ${minimum}`, () => {
      const { status } = sandbox.functions(`version_at_least "${version}" ${minimum}`);
      assert.equal(status, enough ? 0 : 1);
    });
  }

  it("fetches the needed Go with an older one", () => {
    sandbox.executable("path/go", fakeGo("1.19.8"));
    sandbox.executable("home/fetched-go/bin/go", fakeGo("1.25.11"));
    sandbox.folder("home/fetched-go/pkg/tool");
    // Only the one on PATH: this machine's own must not be found.
    const onlyOwn = `go_version() {
  case $1 in "$HOME"/* | */path/go) "$1" version | cut -d " " -f 3 | tr -d go ;; esac
}`;
    const { status, stdout, stderr } = sandbox.functions(`${onlyOwn}\nneed_go\necho "$go"`);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /home\/fetched-go\/bin\/go/);
    assert.match(stderr, /Go 1\.19\.8 is older than 1\.25\.11: fetching that one/);
    assert.match(readFileSync(sandbox.log, "utf8"), /golang\.org\/toolchain@v0\.0\.1-go1\.25\.11/);
  });

  it("names a missing Go and what to do", () => {
    const { status, stderr } = sandbox.functions(`find_go() { go="" old_go=""; }\nneed_go`);
    assert.equal(status, 1);
    assert.match(stderr, /^error: .*Go is missing: install Go .* or pulumi 3\.200\.0 or newer/);
  });

  it("names a full disk and the setting that moves the cache", () => {
    const { status, stderr } = sandbox.functions(
      `free_gb() { echo 3; }\nneed_disk 6 /some/cache "the build" TRIVET_CACHE`,
    );
    assert.equal(status, 1);
    assert.equal(
      stderr,
      "error: /some/cache has 3 GB free, and the build needs 6 GB: make room, or set TRIVET_CACHE to a folder on a larger disk\n",
    );
  });

  it("names a missing and an old Node.js", () => {
    const missing = sandbox.functions("need_node");
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /^error: Node\.js is missing: install Node\.js 20 or newer/);
    sandbox.executable("path/node", "#!/bin/sh\necho v18.20.4\n");
    assert.match(sandbox.functions("need_node").stderr, /^error: Node\.js 18 is too old: install/);
    sandbox.executable("path/node", "#!/bin/sh\necho v22.1.0\n");
    assert.match(sandbox.functions("need_node").stderr, /^error: npm is missing beside Node\.js/);
  });

  it("pins what package.json and the Go modules say", () => {
    const pins = read("scripts/toolchain/pins.sh");
    for (const name of ["command", "docker", "random", "tls"]) {
      const manifest = read("package.json");
      const version = new RegExp(`"@pulumi/${name}": "([^"]+)"`).exec(manifest)?.[1];
      if (version !== undefined) assert.match(pins, new RegExp(`\\b${name}=${version}\\b`));
    }
    const docker = read("scripts/toolchain/go/docker-plugin/main.go");
    assert.match(docker, /version = "5\.2\.0"/);
    assert.match(pins, /docker=5\.2\.0/);
    const engine = /PULUMI_VERSION=(\S+)/.exec(pins)?.[1] ?? "";
    assert.match(
      read("scripts/toolchain/go/cli/go.mod"),
      new RegExp(`github.com/pulumi/pulumi/pkg/v3 v${engine.replaceAll(".", "\\.")}\n`),
    );
  });
});

describe("toolchain modules-current", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "modules-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const check = (wanted: object, present?: object): number | null => {
    const write = (path: string, packages: object): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), JSON.stringify({ packages }));
    };
    write("package-lock.json", wanted);
    if (present !== undefined) write("node_modules/.package-lock.json", present);
    const script = join(REPOSITORY, "scripts/toolchain/lib/modules-current.mjs");
    return spawnSync(process.execPath, [script], { cwd: folder }).status;
  };
  const a = { "node_modules/a": { version: "1.0.0" } };

  it("is content with what is there, and with more", () => {
    assert.equal(check({ "": {}, ...a }, a), 0);
    assert.equal(check(a, { ...a, "node_modules/b": { version: "2.0.0" } }), 0);
  });

  it("does not ask for another platform's optional packages", () => {
    assert.equal(check({ ...a, "node_modules/c": { version: "1.0.0", optional: true } }, a), 0);
  });

  it("misses everything, a package, and a version", () => {
    assert.equal(check(a), 1);
    assert.equal(check(a, {}), 1);
    assert.equal(check(a, { "node_modules/a": { version: "1.0.1" } }), 1);
  });
});
