import { execFile, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { isNode, parseDocument } from "yaml";
import type { DrillTarget } from "./load";
import type { StackOutputs } from "../stack/pulumi";
import { databasePassword, ROOT, stackOutputs } from "../stack/pulumi";
import { forgetPending, readPending } from "../stack/recover";
import { readInventory, withInventory } from "../stack/stack-config";

const run = promisify(execFile);

/** Of the engine, beside what users do. A tenth of the weight of others. */
const NICE = "10";

/** A command that failed, with what it printed. */
export interface Outcome {
  code: number;
  output: string;
}

/** A stack with a configuration file that only this process knows. */
export class EditableStack {
  constructor(
    readonly name: string,
    protected readonly configFile: string,
    readonly env: NodeJS.ProcessEnv = process.env,
  ) {}

  /** Changes one setting, as an edit of the stack's file would; undefined takes it away. */
  configure(path: readonly string[], value: unknown): void {
    const document = parseDocument(readFileSync(this.configFile, "utf8"));
    if (value === undefined) document.deleteIn(["config", ...path]);
    else document.setIn(["config", ...path], value);
    writeFileSync(this.configFile, document.toString());
  }

  /** A value of the configuration. */
  configured(path: readonly string[]): unknown {
    const document = parseDocument(readFileSync(this.configFile, "utf8"));
    const node = document.getIn(["config", ...path], true);
    return isNode(node) ? node.toJS(document) : undefined;
  }

  /**
   * Runs the engine; the caller asserts the outcome. Behind the machines: all of them together may weigh no more than
   * one process of this computer, while elsewhere an operator's computer takes none of their time.
   */
  async pulumi(...args: string[]): Promise<Outcome> {
    const all = [
      ...args,
      "--stack",
      this.name,
      "--config-file",
      this.configFile,
      "--non-interactive",
    ];
    return await outcomeOf("nice", ["-n", NICE, "pulumi", ...all], ROOT, this.env);
  }

  /** One `pulumi up` that must succeed. */
  async up(): Promise<void> {
    const { code, output } = await this.pulumi("up", "--yes", "--skip-preview");
    if (code !== 0) throw new Error(`pulumi up failed:\n${output.slice(-6000)}`);
  }

  async outputs(): Promise<StackOutputs> {
    return await stackOutputs(this.name, this.configFile, this.env);
  }

  /** What a drill needs to write and ask. */
  async target(): Promise<DrillTarget> {
    const password = await databasePassword(this.name, this.configFile, this.env);
    return { outputs: await this.outputs(), databasePassword: password };
  }
}

/** A local stack on a lab and a state of its own, so that neither an operator's nor another test's is touched. */
export class LabStack extends EditableStack {
  private readonly folder: string;

  constructor(name: string) {
    const folder = mkdtempSync(join(tmpdir(), "trivet-lab-"));
    const backend = join(folder, "state");
    mkdirSync(backend);
    copyFileSync(join(ROOT, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
    super(name, join(folder, `Pulumi.${name}.yaml`), {
      ...process.env,
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: "a passphrase of this test alone",
      PULUMI_CONFIG_PASSPHRASE_FILE: "",
    });
    this.folder = folder;
  }

  /** Bare machines, the example's bundle, and a stack that is ready for its first update. */
  async prepare(machines: number, template = "local"): Promise<void> {
    await this.lab("down");
    await Promise.all([
      this.lab("up", String(machines)),
      run(join(ROOT, "scripts", "stack", "build-examples"), { maxBuffer: 1e8 }),
    ]);
    const inventory = readInventory(this.name);
    if (inventory === undefined) throw new Error(`the lab ${this.name} has no inventory`);
    const local = readFileSync(join(ROOT, `Pulumi.${template}.yaml`), "utf8");
    writeFileSync(this.configFile, withInventory(local, inventory));
    await run("pulumi", ["stack", "init", this.name], { cwd: this.folder, env: this.env });
  }

  /** Starts a `pulumi up` and kills it, with everything that it started, after some time. Whether it had ended before. */
  async killedUp(afterMs: number): Promise<boolean> {
    const args = ["up", "--yes", "--skip-preview", "--non-interactive"];
    const where = ["--stack", this.name, "--config-file", this.configFile];
    const options = { cwd: ROOT, env: this.env, stdio: "ignore", detached: true } as const;
    const child = spawn("pulumi", [...args, ...where], options);
    const ended = new Promise<true>((resolve) =>
      child.once("exit", () => {
        resolve(true);
      }),
    );
    const early = await Promise.race([ended, sleep(afterMs, false)]);
    if (!early && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await ended;
    return early;
  }

  /** What the documentation tells users of plain Pulumi to do after that. */
  async recover(): Promise<void> {
    const options = { cwd: this.folder, env: this.env, maxBuffer: 1e8 };
    const stack = ["--stack", this.name, "--non-interactive"];
    await run("pulumi", ["cancel", "--yes", ...stack], options);
    await run(
      "pulumi",
      [
        ...forgetPending(readPending(await this.state())),
        ...stack,
        "--config-file",
        this.configFile,
      ],
      {
        ...options,
        cwd: ROOT,
      },
    );
  }

  /** The state as it lies in the backend. */
  async state(): Promise<string> {
    const args = ["stack", "export", "--stack", this.name];
    return (await run("pulumi", args, { cwd: this.folder, env: this.env, maxBuffer: 1e8 })).stdout;
  }

  /** The secrets that the state holds, in plain. */
  async secrets(): Promise<string[]> {
    const args = ["stack", "export", "--stack", this.name, "--show-secrets"];
    const options = { cwd: this.folder, env: this.env, maxBuffer: 1e8 };
    const { stdout } = await run("pulumi", args, options);
    return [...stdout.matchAll(/"plaintext": "((?:[^"\\]|\\.)*)"/g)].map(
      ([, text = '""']) => JSON.parse(`"${text}"`) as string,
    );
  }

  /** A command as root on a machine. */
  async onMachine(machine: string, command: string): Promise<string> {
    const child = spawn(
      join(ROOT, "scripts", "lab"),
      ["ssh", machine, "--lab", this.name, "--", "sudo -n bash -s"],
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    child.stdin.end(`set -eu\n${command}\n`);
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`on ${machine}: ${command}\n${stderr}`);
    return stdout.trim();
  }

  async lab(...args: string[]): Promise<void> {
    await run(join(ROOT, "scripts", "lab"), [...args, "--lab", this.name], { maxBuffer: 1e8 });
  }

  async remove(): Promise<void> {
    await this.lab("down");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function outcomeOf(
  program: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Outcome> {
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code: code ?? -1, output };
}
