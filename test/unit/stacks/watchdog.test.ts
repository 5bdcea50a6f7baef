import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";

const WATCHDOG = join(__dirname, "..", "..", "..", "stacks", "watchdog.ts");
/** A program that would never end by itself. */
const PROGRAM = `require(${JSON.stringify(WATCHDOG)}).endWithEngine(); setInterval(() => undefined, 1000);`;

describe("endWithEngine", () => {
  it("lets a program run while its engine listens, and ends it when the engine is gone", async () => {
    const engine = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => engine.listen(0, "127.0.0.1", resolve));
    const address = engine.address();
    assert.ok(typeof address === "object" && address !== null);
    const env = { ...process.env, PULUMI_NODEJS_ENGINE: `127.0.0.1:${address.port}` };
    const program = spawn(process.execPath, ["--import", "tsx", "-e", PROGRAM], { env });
    const ended = new Promise<number | null>((resolve) => program.once("exit", resolve));
    const seen = new Promise((resolve) => engine.once("connection", resolve));
    await seen;
    assert.equal(program.exitCode, null);
    await new Promise((resolve) => engine.close(resolve));
    assert.equal(await ended, 1);
  });
});
