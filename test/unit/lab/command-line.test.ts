import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabSandbox } from "./bash.js";

describe("lab command line", () => {
  let sandbox: LabSandbox;
  beforeEach(() => {
    sandbox = new LabSandbox();
  });
  afterEach(() => {
    sandbox.remove();
  });

  const commands = [
    "up",
    "down",
    "status",
    "inventory",
    "ssh",
    "kill",
    "pause",
    "start",
    "isolate",
    "heal",
    "check",
    "images",
  ];
  for (const command of commands) {
    it(`explains ${command}, and changes nothing`, () => {
      const { status, stdout } = sandbox.lab(command, "vm1", "--help");
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`^Usage: ./scripts/lab ${command}`));
    });
  }

  it("lists every command in its own help", () => {
    const { stdout } = sandbox.lab("--help");
    for (const command of commands) assert.match(stdout, new RegExp(`^  ${command} `, "m"));
  });

  const mistakes: [string[], RegExp][] = [
    [["up"], /how many machines\? give 1 to 20/],
    [["up", "0"], /'0' is not a number of machines: give 1 to 20/],
    [["up", "21"], /'21' is not a number of machines/],
    [["up", "1", "2"], /'2' is not a number of machines/],
    [["up", "1", "--memory", "lots"], /--memory lots is no size: give for example 512m or 2g/],
    [["up", "1", "--cpus"], /--cpus needs a value/],
    [["up", "1", "--wait", "soon"], /--wait soon is no number of seconds/],
    [["up", "1", "--lab", "My_Lab"], /'My_Lab' is not a lab's name/],
    [["kill", "web"], /'web' is not a machine of a lab: give vm1 to vm20/],
    [["kill", "vm1", "vm2"], /kill takes one machine/],
    [["isolate", "vm1", "--from"], /--from needs a value/],
    [["isolate", "vm1", "--from", "vm1"], /cannot be isolated from itself/],
    [["isolate", "vm1", "--slowly"], /'--slowly' is not an option of isolate/],
    [["down", "--purge"], /--purge goes with --all/],
  ];
  for (const [args, message] of mistakes) {
    it(`refuses ${args.join(" ")} in one line`, () => {
      const { status, stdout, stderr } = sandbox.lab(...args);
      assert.equal(status, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.equal(stderr.trim().split("\n").length, 1);
    });
  }

  it("says which lab is missing and how to make it", () => {
    const { status, stderr } = sandbox.lab("status", "--lab", "other");
    assert.equal(status, 1);
    assert.equal(
      stderr,
      "lab: there is no lab 'other': make it with ./scripts/lab up 1 --lab other\n",
    );
  });

  it("says that Docker does not answer where it is told to look for it", () => {
    const { status, stderr } = sandbox.lab("up", "1");
    assert.equal(status, 1);
    assert.match(stderr, /Docker does not answer at DOCKER_HOST=/);
  });

  it("learns what the engine allows with an empty cache folder, and keeps it", () => {
    rmSync(sandbox.cache, { recursive: true });
    const engine = `docker() { if [[ $1 == info ]]; then echo engine; else echo tried >> "$CACHE/tried"; fi; }`;
    const { status, stderr, stdout } = sandbox.functions(
      `${engine}\nVM_IMAGE=vm\nfind_privileges\nfind_privileges\necho "\${PRIVILEGES[*]}"`,
    );
    assert.equal(status, 0, stderr);
    assert.equal(stdout, "--privileged\n");
    assert.equal(readFileSync(join(sandbox.cache, "tried"), "utf8"), "tried\n");
  });

  it("does not forget a lab while its engine is away", () => {
    mkdirSync(join(sandbox.cache, "labs/local"), { recursive: true });
    writeFileSync(join(sandbox.cache, "labs/local/settings"), "pool=10.77\nsubnet_index=0\n");
    assert.equal(sandbox.lab("down").status, 1);
    assert.match(sandbox.lab("kill", "vm1").stderr, /Docker does not answer/);
  });
});
