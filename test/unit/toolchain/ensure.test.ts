import assert from "node:assert/strict";
import { existsSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Sandbox, fakeGo, fakePulumi } from "./sandbox.js";

const STAND_INS = `"command": "stand-in", "docker": "build", "random": "stand-in", "tls": "stand-in"`;
const OFFICIAL = `"command": "official", "docker": "official", "random": "official", "tls": "official"`;

describe("toolchain ensure", () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => {
    sandbox.remove();
  });

  const pulumiOnPath = (version: string): string => {
    const file = sandbox.executable("opt/pulumi", fakePulumi(version));
    sandbox.executable("opt/pulumi-language-nodejs", "#!/bin/sh\n");
    symlinkSync(file, join(sandbox.path, "pulumi"));
    return file;
  };

  it("builds engine, host and docker plugin, and prints only the folder", () => {
    sandbox.executable("path/go", fakeGo("1.25.11"));
    const { status, stdout, stderr } = sandbox.ensure();
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^\/[^\n]*\/bin\n$/);
    assert.deepEqual(Sandbox.list(stdout.trim()), ["pulumi", "pulumi-language-nodejs"]);
    assert.equal(Sandbox.origin(stdout), `{ "pulumi": "build", ${STAND_INS} }`);
    assert.equal(sandbox.goCalls("build"), 3);
  });

  it("puts every plugin where the engine looks, none on PATH", () => {
    sandbox.executable("path/go", fakeGo("1.25.11"));
    const bin = sandbox.ensure().stdout.trim();
    const plugins = join(dirname(bin), "home/plugins");
    assert.deepEqual(Sandbox.list(plugins), [
      "resource-command-v1.2.1",
      "resource-docker-v5.2.0",
      "resource-random-v4.21.2",
      "resource-tls-v5.6.1",
    ]);
    const standIn = join(plugins, "resource-command-v1.2.1/pulumi-resource-command");
    assert.equal(
      realpathSync(standIn),
      join(sandbox.checkout, "test/plugins/bin/pulumi-resource-command"),
    );
  });

  it("does nothing in a second run, and takes less than a second", () => {
    sandbox.executable("path/go", fakeGo("1.25.11"));
    const first = sandbox.ensure();
    rmSync(join(sandbox.path, "go"));
    const started = Date.now();
    const second = sandbox.ensure();
    assert.ok(Date.now() - started < 1000);
    assert.deepEqual(second, { ...second, status: 0, stdout: first.stdout, stderr: "" });
  });

  it("uses a pulumi on PATH as it is", () => {
    const file = pulumiOnPath("3.210.0");
    sandbox.executable("path/go", fakeGo("1.25.11"));
    const { stdout, stderr } = sandbox.ensure();
    assert.equal(Sandbox.origin(stdout), `{ "pulumi": "path", ${STAND_INS} }`, stderr);
    assert.equal(realpathSync(join(stdout.trim(), "pulumi")), file);
    assert.equal(sandbox.goCalls("build"), 1);
  });

  it("notices a pulumi that appears on PATH later", () => {
    sandbox.executable("path/go", fakeGo("1.25.11"));
    const before = sandbox.ensure();
    assert.match(Sandbox.origin(before.stdout), /"pulumi": "build"/);
    pulumiOnPath("3.210.0");
    assert.match(Sandbox.origin(sandbox.ensure().stdout), /"pulumi": "path"/);
  });

  it("refuses an older pulumi, and one without its host, by name", () => {
    pulumiOnPath("3.150.2");
    sandbox.executable("path/go", fakeGo("1.25.11"));
    const old = sandbox.ensure();
    assert.match(old.stderr, /path\/pulumi is version 3\.150\.2, older than 3\.200\.0: not used/);
    assert.match(Sandbox.origin(old.stdout), /"pulumi": "build"/);
    sandbox.executable("opt/pulumi", fakePulumi("3.210.0"));
    rmSync(join(sandbox.root, "opt/pulumi-language-nodejs"));
    const bare = sandbox.ensure({ TRIVET_CACHE: join(sandbox.root, "other") });
    assert.match(bare.stderr, /path\/pulumi has no pulumi-language-nodejs beside it: not used/);
  });

  it("downloads engine and plugins from the vendor's site when it answers", () => {
    const { stdout, stderr } = sandbox.ensure({ TRIVET_PULUMI_SITE: sandbox.mirror("3.200.0") });
    assert.equal(Sandbox.origin(stdout), `{ "pulumi": "download", ${OFFICIAL} }`, stderr);
    assert.equal(sandbox.goCalls("build"), 0);
  });

  it("stops when the download is not what the vendor's checksum says", () => {
    const site = sandbox.mirror("3.200.0", "0".repeat(64));
    const { status, stdout, stderr } = sandbox.ensure({ TRIVET_PULUMI_SITE: site });
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /^error: the checksum of pulumi-v3\.200\.0-\S+ is [0-9a-f]{64}, the vendor/m,
    );
  });

  it("asks a silent site once a day", () => {
    sandbox.executable("path/go", fakeGo("1.25.11"));
    const site = { TRIVET_PULUMI_SITE: "file:///nowhere" };
    assert.match(sandbox.ensure(site).stderr, /asking the vendor's site[^]*out of reach/);
    pulumiOnPath("3.210.0");
    assert.doesNotMatch(sandbox.ensure(site).stderr, /asking/);
  });

  it("replaces the stand-ins once the vendor's site answers", () => {
    sandbox.executable("path/go", fakeGo("1.25.11"));
    pulumiOnPath("3.210.0");
    assert.match(Sandbox.origin(sandbox.ensure().stdout), /"command": "stand-in"/);
    const online = sandbox.ensure({ TRIVET_PULUMI_SITE: sandbox.mirror("3.200.0") });
    assert.equal(Sandbox.origin(online.stdout), `{ "pulumi": "path", ${OFFICIAL} }`);
    const checkout = join(sandbox.checkout, "test/plugins/bin/pulumi-resource-command");
    assert.equal(readFileSync(checkout, "utf8"), "#!/bin/sh\n");
  });

  it("uses plugins that the user has installed", () => {
    pulumiOnPath("3.210.0");
    for (const plugin of ["command-v1.2.1", "docker-v5.2.0", "random-v4.21.2", "tls-v5.6.1"]) {
      const name = plugin.split("-")[0] ?? "";
      const folder = `home/.pulumi/plugins/resource-${plugin}`;
      sandbox.executable(`${folder}/pulumi-resource-${name}`, "#!/bin/sh\n");
    }
    assert.match(Sandbox.origin(sandbox.ensure().stdout), new RegExp(OFFICIAL));
  });

  it("goes on where an interrupted build stopped", async () => {
    sandbox.executable("path/go", fakeGo("1.25.11", 30));
    const run = sandbox.start();
    while (sandbox.goCalls("build") === 0) await sleep(20);
    run.terminate();
    assert.equal((await run.end).status, 130);
    sandbox.executable("path/go", fakeGo("1.25.11"));
    const again = sandbox.ensure();
    assert.equal(again.status, 0, again.stderr);
    const pieces = Sandbox.list(join(sandbox.cache, "toolchain/pieces"));
    assert.deepEqual(
      pieces.filter((name) => name.startsWith(".")),
      [],
    );
  });

  it("builds once when two runs start together", async () => {
    sandbox.executable("path/go", fakeGo("1.25.11", 0.3));
    const runs = await Promise.all([sandbox.start().end, sandbox.start().end]);
    assert.deepEqual(
      runs.map((run) => run.status),
      [0, 0],
    );
    assert.equal(runs[0].stdout, runs[1].stdout);
    assert.equal(sandbox.goCalls("build"), 3);
    assert.match(runs.map((run) => run.stderr).join(""), /another run is preparing the toolchain/);
  });

  it("says which part failed, why, and where the log is", () => {
    sandbox.executable(
      "path/go",
      fakeGo("1.25.11").replace("list)", "list) echo 'm: no such host' >&2; exit 1;;\n  x)"),
    );
    const { status, stderr } = sandbox.ensure();
    assert.equal(status, 1);
    assert.match(
      stderr,
      /error: pulumi-language-nodejs: the modules could not be fetched \(m: no such host\): look into \S+pulumi-language-nodejs\.log/,
    );
  });

  it("says which stand-in is missing", () => {
    sandbox.executable("path/go", fakeGo("1.25.11"));
    rmSync(join(sandbox.checkout, "test/plugins/bin/pulumi-resource-random"));
    const { stdout, stderr } = sandbox.ensure();
    assert.match(
      stderr,
      /the random plugin 4\.21\.2 is out of reach and \S+pulumi-resource-random/,
    );
    assert.match(Sandbox.origin(stdout), /"random": "missing"/);
  });

  it("keeps two checkouts apart and shares what they build", () => {
    const other = new Sandbox();
    try {
      for (const each of [sandbox, other]) each.executable("path/go", fakeGo("1.25.11"));
      const cache = { TRIVET_CACHE: sandbox.cache };
      assert.notEqual(sandbox.ensure(cache).stdout, other.ensure(cache).stdout);
      assert.equal(other.goCalls("build"), 0);
    } finally {
      other.remove();
    }
  });

  it("has help, and refuses arguments", () => {
    const help = sandbox.functions(`"$here/ensure" --help`);
    assert.match(help.stdout, /^usage: scripts\/toolchain\/ensure/);
    assert.equal(sandbox.functions(`"$here/ensure" up`).status, 2);
    assert.equal(existsSync(join(sandbox.cache, "toolchain")), false);
  });
});
