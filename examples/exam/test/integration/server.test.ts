import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { environment, makeScratch, prepare, type Scratch } from "./world";

const SERVER = join(__dirname, "../../src/server.ts");

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The status of a request, 0 when nobody answers. */
const status = (port: number, path: string): Promise<number> =>
  new Promise((resolve) => {
    http
      .get({ port, path, host: "127.0.0.1", agent: false }, (reply) => {
        reply.resume();
        resolve(reply.statusCode ?? 0);
      })
      .on("error", () => {
        resolve(0);
      });
  });

async function waitFor(port: number, path: string, wanted: number): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if ((await status(port, path)) === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${path} did not become ${String(wanted)}`);
}

describe("the server process", () => {
  let scratch: Scratch;
  const children: ChildProcess[] = [];

  before(async function () {
    const made = await makeScratch();
    if (made === null) this.skip();
    scratch = made;
    await prepare(scratch);
  });
  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    await (scratch as Scratch | undefined)?.drop();
  });

  function start(settings: Record<string, string>): ChildProcess {
    const env = { PATH: process.env["PATH"] ?? "", ...settings };
    const child = spawn(process.execPath, ["--import", "tsx", SERVER], { env, stdio: "pipe" });
    children.push(child);
    return child;
  }

  for (const workers of ["1", "2"]) {
    it(`answers on while it drains, then exits with 0 (${workers} worker)`, async () => {
      const port = await freePort();
      const settings = { WEB_CONCURRENCY: workers, PORT: String(port), DRAIN_SECONDS: "1" };
      const child = start({ ...environment(scratch), ...settings });
      await waitFor(port, "/health", 200);
      const exited = once(child, "exit") as Promise<[number | null, string | null]>;
      child.kill("SIGTERM");
      await waitFor(port, "/health", 503);
      assert.equal(await status(port, "/"), 200);
      assert.deepEqual(await exited, [0, null]);
    });
  }

  it("says in one place all that is wrong with its environment", async () => {
    const child = start({ PORT: "x" });
    let text = "";
    child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
    const [code] = (await once(child, "close")) as [number];
    assert.equal(code, 1);
    assert.match(text, /^exam: the configuration is not valid:\n( {2}- [A-Z_]+ .*\n){4}$/);
  });
});
