import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../../scripts/stack/pulumi";
import type { LabStack } from "../../scripts/drills/lab-stack";

const report = (text: string) => process.stdout.write(`      ${text}\n`);

/** Runs the operator's command, on a terminal if asked for. */
async function trivet(stack: LabStack, words: readonly string[], terminal = false) {
  const main = join(ROOT, "scripts", "operator", "main.ts");
  const all = [process.execPath, "--import", "tsx", main, "-s", stack.name, ...words];
  // util-linux' script gives a command a terminal of its own.
  const line = all.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  const [program = "", ...args] = terminal ? ["script", "-qec", line, "/dev/null"] : all;
  const started = Date.now();
  const child = spawn(program, args, { cwd: ROOT, env: stack.env });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  // What is followed does not end by itself.
  const limit = setTimeout(() => child.kill("SIGINT"), 20_000);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(limit);
  return { code, printed, seconds: (Date.now() - started) / 1000 };
}

/** The operator's command on a running platform. */
export function operatorTests(platform: () => { stack: LabStack }): void {
  it("shows the status on one screen, and as JSON", async () => {
    const { stack } = platform();
    const { printed, seconds } = await trivet(stack, ["status"]);
    report(`status took ${seconds.toFixed(1)} s`);
    for (const wanted of ["vm1", "postgres-vm1", "primary", "certificate", "web", "dump"]) {
      assert.ok(printed.includes(wanted), `${wanted} is not on the screen:\n${printed}`);
    }
    assert.ok(printed.split("\n").length <= 40, printed);
    const json: unknown = JSON.parse((await trivet(stack, ["status", "--json"])).printed);
    assert.ok(
      typeof json === "object" && json !== null && "services" in json && "versions" in json,
    );
  });

  it("opens the database, and containers with a terminal", async () => {
    const { stack } = platform();
    const answer = await trivet(stack, ["psql", "-Atc", "SELECT 6 * 7"]);
    assert.deepEqual([answer.code, answer.printed.trim()], [0, "42"], answer.printed);
    const inside = ["exec", "web", "--", "sh", "-c", "test -t 0 && echo terminal || echo pipe"];
    assert.equal((await trivet(stack, inside)).printed.trim(), "pipe");
    assert.equal((await trivet(stack, inside, true)).printed.trim(), "terminal");
    assert.equal((await trivet(stack, ["exec", "web", "--", "sh", "-c", "exit 7"])).code, 7);
  });

  it("shows the log of a service", async () => {
    const { stack } = platform();
    const { printed } = await trivet(stack, ["logs", "nginx-vm1", "--tail", "5"]);
    assert.match(printed, /nginx-vm1/);
    const unknown = await trivet(stack, ["logs", "nobody"]);
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.printed, /nobody/);
  });
}
