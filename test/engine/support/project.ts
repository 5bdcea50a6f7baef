/** The real engine on the real program, in a folder and with a state of the test's own. */
import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newSshKey } from "../../support/ssh-keys";
import { cacheFolder } from "../../../scripts/stack/stack-config";

/** Folder of the checkout. */
export const ROOT = join(__dirname, "..", "..", "..");

/** What the program is made of; linked, so that its `.trivet` does not land in the checkout. */
const PROGRAM = ["components", "examples", "node_modules", "stacks", "package.json"];

/** Longest run of the engine. Seconds. */
const LONGEST_RUN = 240;

/** What the engine said. */
export interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
  /** Both, as a person sees them. */
  all: string;
  seconds: number;
}

/** An engine at work. */
export interface Running {
  readonly process: ChildProcess;
  readonly said: Promise<Said>;
}

/** A Pulumi project in a temporary folder, with a home and a backend of its own. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "trivet-engine-"));
  readonly home = join(this.folder, "home");
  /** The private key at `~/.ssh/id_ed25519`, of no use anywhere. */
  readonly privateKey: string;

  /**
   * @param files Of another program, by name; without them it is this project's own.
   * @param variables Beside the caller's toolchain.
   */
  constructor(
    readonly stack: string,
    files?: Readonly<Record<string, string>>,
    private readonly variables: Readonly<Record<string, string>> = {},
  ) {
    if (files === undefined) this.useProgram(ROOT);
    for (const [name, text] of Object.entries(files ?? {})) writeFileSync(this.path(name), text);
    mkdirSync(join(this.home, ".ssh"), { recursive: true });
    mkdirSync(this.path("state"));
    this.privateKey = newSshKey().private;
    writeFileSync(join(this.home, ".ssh", "id_ed25519"), this.privateKey, { mode: 0o600 });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Runs the program of another checkout from now on. */
  useProgram(checkout: string): void {
    for (const entry of PROGRAM) {
      rmSync(this.path(entry), { force: true });
      symlinkSync(join(checkout, entry), this.path(entry));
    }
    copyFileSync(join(checkout, "Pulumi.yaml"), this.path("Pulumi.yaml"));
  }

  get configFile(): string {
    return this.path(`Pulumi.${this.stack}.yaml`);
  }

  /** Makes the stack with a configuration file of this text. */
  async init(configText: string): Promise<void> {
    writeFileSync(this.configFile, configText);
    await this.must(["stack", "init", this.stack, "--no-select"]);
  }

  /** Replaces the configuration and keeps the stack's salt. */
  configure(configText: string): void {
    const [salt = ""] = /^encryptionsalt:.*$/m.exec(readFileSync(this.configFile, "utf8")) ?? [];
    writeFileSync(this.configFile, `${salt}\n${configText}`);
  }

  async set(path: string, value: string): Promise<void> {
    const args = ["config", "set", "--stack", this.stack, "--path", path, value];
    await this.must([...args, "--config-file", this.configFile]);
  }

  /** Encrypts a value into the configuration, as the stack files tell users to. */
  async setSecret(path: string, value: string): Promise<void> {
    const args = ["config", "set", "--stack", this.stack, "--secret", "--path", path];
    await this.must([...args, "--config-file", this.configFile], value);
  }

  /** A command on this stack, such as `preview`. */
  async run(command: string, ...args: string[]): Promise<Said> {
    return await this.start(command, ...args).said;
  }

  /** The same, not waited for. */
  start(command: string, ...args: string[]): Running {
    const common = ["--stack", this.stack, "--config-file", this.configFile, "--non-interactive"];
    return this.launch([command, ...args, ...common], "");
  }

  /** `pulumi` with these words, which say themselves which stack they are for. */
  async command(...args: string[]): Promise<Said> {
    return await this.pulumi(args);
  }

  /** The whole state, as text. */
  async state(...args: string[]): Promise<string> {
    return (await this.must(["stack", "export", "--stack", this.stack, ...args])).stdout;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async must(args: readonly string[], stdin?: string): Promise<Said> {
    const said = await this.pulumi(args, stdin);
    if (said.code !== 0) throw new Error(`pulumi ${args.join(" ")}: ${said.all}`);
    return said;
  }

  private async pulumi(args: readonly string[], stdin = ""): Promise<Said> {
    return await this.launch(args, stdin).said;
  }

  private launch(args: readonly string[], stdin: string): Running {
    const child = spawn("pulumi", args, {
      cwd: this.folder,
      env: this.environment(),
      timeout: LONGEST_RUN * 1000,
    });
    return { process: child, said: this.listen(child, stdin) };
  }

  private async listen(child: ChildProcessWithoutNullStreams, stdin: string): Promise<Said> {
    const started = Date.now();
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
    const said: Said = { code: null, stdout: "", stderr: "", all: "", seconds: 0 };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        said[stream] += text;
        said.all += text;
      });
    }
    said.code = await new Promise((resolve, reject) => {
      child.once("error", (error) => {
        reject(new Error(`no engine: run ./scripts/test engine (${error.message})`));
      });
      child.once("close", resolve);
    });
    said.seconds = (Date.now() - started) / 1000;
    return said;
  }

  /** The caller's toolchain, but nobody's keys, agent or stacks. */
  private environment(): NodeJS.ProcessEnv {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      TRIVET_CACHE: cacheFolder(),
      HOME: this.home,
      // Each write of the state would write its attributes beside it first, in place: an engine killed in
      // between leaves a stack that no engine reads any more.
      PULUMI_BACKEND_URL: `file://${this.path("state")}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: "for a test",
    };
    for (const name of ["PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_STACK", "SSH_AUTH_SOCK"]) {
      Reflect.deleteProperty(env, name);
    }
    return { ...env, ...this.variables };
  }
}

/** The text of one of the checkout's files. */
export const readText = (name: string): string => readFileSync(join(ROOT, name), "utf8");
