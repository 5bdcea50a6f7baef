import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

export const PROGRAM = join(__dirname, "../../../components/database/pooler-guard.py");
const CONSOLE_STUB = join(__dirname, "python");

/** One run of the program. */
export class Run {
  readonly lines: string[] = [];
  readonly ended: Promise<number | string>;

  constructor(readonly child: ChildProcess) {
    assert.ok(child.stdout, "its output is a pipe");
    createInterface({ input: child.stdout }).on("line", (line) => this.lines.push(line));
    child.stderr?.pipe(process.stderr);
    this.ended = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        resolve(code ?? signal ?? "");
      });
    });
  }

  get pid(): number {
    assert.ok(this.child.pid !== undefined, "it did not start");
    return this.child.pid;
  }

  /** The process that makes the rounds. */
  get worker(): number {
    return Number(readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8").trim());
  }

  async says(line: RegExp): Promise<void> {
    await until(
      () => this.lines.some((each) => line.test(each)),
      () => `nothing like ${String(line)} in:\n${this.lines.join("\n")}`,
    );
  }
}

/** Patroni's answers, a router's statistics and a pooler's console, and the program among them. */
export class Stage {
  /** Which members answer that they are primary. */
  primaries: string[];
  /** How many questions from now on get no answer in time. */
  silences = 0;
  /** Whoever is primary has not left recovery yet. */
  recovering = false;
  /** Which members the router has up. */
  up: string[];
  /** Whether the router's next answers are of any use; those after them are. */
  useful: boolean[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), "trivet-guard-"));
  private readonly servers: Server[] = [];
  private router: { server: Server; port: number } | undefined;
  private readonly runs: Run[] = [];

  constructor(readonly members: readonly string[]) {
    this.primaries = members.slice(0, 1);
    this.up = members.slice(0, 1);
  }

  /** Answers have time even on a loaded machine, unless a test is about the lack of them. */
  async open(deadlineSeconds = 40, answerSeconds = 3): Promise<void> {
    const members = [];
    for (const name of this.members) {
      const port = await this.serve((request, response) => {
        this.answer(name, request, response);
      });
      members.push({ name, address: "127.0.0.1", port });
    }
    const routerPort = await this.serve((request, response) => {
      response.end(request.url === "/;csv" ? this.statistics() : "");
    });
    this.router = { server: this.servers.at(-1) as Server, port: routerPort };
    const settings = {
      database: "shop",
      members,
      router_port: routerPort,
      pooler_port: 1,
      user: "admin",
      password: "secret",
      deadline_seconds: deadlineSeconds,
      answer_seconds: answerSeconds,
      folder: this.folder,
    };
    writeFileSync(this.file("settings.json"), JSON.stringify(settings));
    copyFileSync(PROGRAM, this.file("pooler-guard.py"));
  }

  async close(): Promise<void> {
    for (const run of this.runs.filter(({ child }) => child.exitCode === null)) run.child.kill();
    await Promise.all(this.runs.map(({ ended }) => ended));
    for (const server of this.servers) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(this.folder, { recursive: true });
  }

  /** The router takes no connections from now on. */
  async stopRouter(): Promise<void> {
    const { server } = this.router ?? assert.fail("the stage is not open");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async startRouter(): Promise<void> {
    const { server, port } = this.router ?? assert.fail("the stage is not open");
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  }

  run(...args: string[]): Run {
    const env = { ...process.env, PYTHONPATH: CONSOLE_STUB, CONSOLE: this.folder };
    const options = { env: { ...env, PYTHONDONTWRITEBYTECODE: "1" } };
    const run = new Run(spawn("python3", [this.file("pooler-guard.py"), ...args], options));
    this.runs.push(run);
    return run;
  }

  /** A guard that knows its primary. */
  async guard(): Promise<Run> {
    const run = this.run();
    await run.says(/ is primary: watching it$/);
    return run;
  }

  /** What has changed the console's state, in order. */
  get commands(): string[] {
    if (!existsSync(this.file("commands"))) return [];
    return readFileSync(this.file("commands"), "utf8").trimEnd().split("\n");
  }

  get paused(): boolean {
    return existsSync(this.file("paused"));
  }

  /** Whether what goes to standbys is held. */
  get readsPaused(): boolean {
    return existsSync(this.file("reads-paused"));
  }

  async becomes(paused: boolean): Promise<void> {
    await until(
      () => this.paused === paused,
      () => `it is ${paused ? "not " : ""}paused`,
    );
  }

  /** Sets or clears one mark of the console: `paused`, `reads-paused`, `stuck`, `slow` or `away`. */
  mark(name: string, present: boolean): void {
    if (present) writeFileSync(this.file(name), "");
    else rmSync(this.file(name), { force: true });
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  private answer(name: string, { method, url }: IncomingMessage, response: ServerResponse): void {
    if (this.silences > 0) {
      this.silences -= 1;
      return;
    }
    const yes = this.primaries.includes(name) && url === "/primary";
    response.writeHead(yes ? 200 : 503, { connection: "close" });
    const role = this.recovering ? "replica" : "primary";
    response.end(method === "OPTIONS" ? "" : JSON.stringify({ state: "running", role }));
  }

  /** HAProxy's columns, without those in between; the order is not the program's business. */
  private statistics(): string {
    if (this.useful.shift() === false) return "";
    const servers = this.members.map((name) => {
      const status = this.up.includes(name) ? "UP 1/3" : "DOWN 1/2";
      return `primary,${name},"a, b",${status},2,`;
    });
    const others = ["primary,FRONTEND,,OPEN,0,", "standby,vm1,,UP,2,", "standby,vm2,,UP,2,"];
    const lines = ["# pxname,svname,agent,status,type,", ...others, ...servers];
    return [...lines, "primary,BACKEND,,UP,1,", ""].join("\n");
  }

  private async serve(listener: RequestListener): Promise<number> {
    const server = createServer(listener);
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }
}

/** Opens a stage for a test of the suite that calls it; closed behind the test. */
export function stages() {
  let stage: Stage | undefined;
  before(() => {
    const { error } = spawnSync("python3", ["--version"]);
    assert.equal(error, undefined, "these tests need python3 on the PATH");
  });
  afterEach(async () => {
    await stage?.close();
    stage = undefined;
  });
  return async (members: readonly string[] = ["vm1", "vm2", "vm3"], ...times: number[]) => {
    stage = new Stage(members);
    await stage.open(...times);
    return stage;
  };
}

/** Fails with a message after ten seconds. */
export async function until(condition: () => boolean, message: () => string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) assert.fail(message());
    await setTimeout(20);
  }
}
