import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killAll } from "./support/interruption";
import { holdingsOf, losses } from "./support/losses";
import { ROOT } from "./support/project";
import { FIRST_SHAPE, type SmallPlatform, startSmallPlatform } from "./support/small-platform";
import { parsePreview, parseState } from "./support/steps";

/** Passwords of 32 letters and digits. */
const PASSWORDS = [
  "pgbouncer-admin",
  "postgres-application",
  "postgres-replication",
  "postgres-rest",
  "postgres-rewind",
  "postgres-superuser",
  "valkey-password",
];

const UP = ["--yes", "--skip-preview"];

/** How far back to look for a program that starts: one that does not has made no state. */
const COMMITS = ["HEAD^", "HEAD~2", "HEAD~3", "HEAD~4", "HEAD~5"];

/** The program of the commit before the last one; undefined where the history is not there. */
function previousProgram(): string | undefined {
  return COMMITS.map(unpack).find((folder) => folder !== undefined);
}

/** A commit's program in a folder of its own; undefined if there is none or it does not start. */
function unpack(commit: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "trivet-previous-"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const files = "components stacks examples package.json Pulumi.yaml";
  const script = `git archive "$1" ${files} | tar x -C "$2"
cd "$2" && node --import tsx -e 'require("./stacks/platform")'`;
  const words = ["-e", "-o", "pipefail", "-c", script, "bash", commit, folder];
  if (spawnSync("bash", words, { cwd: ROOT, stdio: "ignore" }).status === 0) return folder;
  rmSync(folder, { recursive: true });
  return undefined;
}

/** What must be kept, with its identity and what is secret of it. */
async function holdings({ project }: SmallPlatform): Promise<Record<string, string>> {
  return holdingsOf(parseState(await project.state("--show-secrets")));
}

describe("an upgrade from the previous commit", function () {
  this.timeout(600_000);
  let previous: string | undefined;
  let platform: SmallPlatform;
  let kept: Record<string, string>;

  before(async function () {
    previous = previousProgram();
    if (previous === undefined) {
      process.stdout.write(
        "      skipped: this checkout has no earlier commit whose program starts\n",
      );
      this.skip();
    }
    platform = await startSmallPlatform(FIRST_SHAPE);
    platform.project.useProgram(previous);
    const made = await platform.project.run("up", ...UP);
    assert.equal(made.code, 0, made.all);
    kept = await holdings(platform);
    platform.project.useProgram(ROOT);
  });
  after(async () => {
    if (previous === undefined) return;
    rmSync(previous, { recursive: true });
    killAll(platform.project);
    await platform.machine.stop();
    platform.project.remove();
  });

  it("plans to replace nothing that holds data", async () => {
    const said = await platform.project.run("preview", "--json");
    assert.equal(said.code, 0, said.all);
    assert.deepEqual(losses(parsePreview(said)), []);
  });

  it("is done in one update, which keeps services with data, network, passwords and keys", async () => {
    const said = await platform.project.run("up", ...UP);
    assert.equal(said.code, 0, said.all);
    const now = await holdings(platform);
    // By name: what is shown of a difference must hold no secret.
    const changed = Object.keys(kept).filter((name) => now[name] !== kept[name]);
    assert.deepEqual(changed, []);
    const again = await platform.project.run("preview", "--diff", "--expect-no-changes");
    assert.equal(again.code, 0, again.all);
  });

  it("would be refused if it replaced a service, a password or the network", async () => {
    await plant(platform, [
      ['"name": "postgres-vm1"', '"name": "postgres-old"'],
      ['"length": 32', '"length": 33'],
      ['"driver": "overlay"', '"driver": "bridge"'],
    ]);
    const said = await platform.project.run("preview", "--json");
    assert.equal(said.code, 0, said.all);
    // What is replaced may show more differences than the one that was planted, in any order.
    const planted = /\((?:.*, )?(driver|name|length)(?:, .*)?\)$/;
    const found = losses(parsePreview(said)).map((loss) => loss.replace(planted, "($1)"));
    assert.deepEqual(found, [
      "replace docker:index/network:Network swarm-overlay (driver)",
      "replace docker:index/service:Service postgres-vm1 (name)",
      ...PASSWORDS.map(
        (name) => `replace random:index/randomPassword:RandomPassword ${name} (length)`,
      ),
    ]);
  });
});

/** Changes the state as text, as if another program had made it. */
async function plant(
  { project }: SmallPlatform,
  changes: readonly (readonly [from: string, to: string])[],
): Promise<void> {
  let state = await project.state();
  for (const [from, to] of changes) {
    assert.ok(state.includes(from), `the state has no ${from}`);
    state = state.replaceAll(from, to);
  }
  const file = project.path("planted.json");
  writeFileSync(file, state);
  const said = await project.command("stack", "import", "--stack", project.stack, "--file", file);
  assert.equal(said.code, 0, said.all);
}
