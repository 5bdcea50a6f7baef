import { execFile, spawn } from "node:child_process";
import { copyFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";

const run = promisify(execFile);

/** The project, as Pulumi.yaml names it. */
export const PROJECT = "trivet";

/** Folder of the project. */
export const ROOT = join(__dirname, "..", "..");

const outputsSchema = z.object({
  urls: z.array(z.string()),
  certificate: z.string().optional(),
  database: z.object({ name: z.string(), user: z.string() }),
  machines: z.record(
    z.string(),
    z.object({
      address: z.string(),
      privateAddress: z.string(),
      role: z.string(),
      ssh: z.string(),
    }),
  ),
});

/** What the scripts read of a stack's outputs. */
export type StackOutputs = z.output<typeof outputsSchema>;

/**
 * Runs the engine with its own output on stderr; rejects with one line if it fails. `asks`: it shows
 * its plan and asks first, if there is a terminal to ask on.
 */
export async function runPulumi(
  args: readonly string[],
  { asks }: { asks: boolean },
): Promise<void> {
  const answers = asks ? [] : ["--yes", "--skip-preview", "--non-interactive"];
  const child = spawn("pulumi", [...args, ...answers], {
    cwd: ROOT,
    stdio: [asks ? "inherit" : "ignore", 2, 2],
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  if (code !== 0) throw new Error(`pulumi ${args[0] ?? ""} failed: its message stands above`);
}

/**
 * Makes a local stack if it is not there yet; any other one is its operator's to make. Pulumi writes the stack's encryption salt beside the project
 * that it is started in: for a filled-in configuration that is the copy, never the checkout.
 */
export async function selectStack(stack: string, configFile: string): Promise<void> {
  const { stdout } = await run("pulumi", ["stack", "ls", "--json"], { cwd: ROOT });
  const known = z.array(z.object({ name: z.string() })).parse(JSON.parse(stdout));
  if (known.some(({ name }) => name === stack)) return;
  const folder = dirname(configFile);
  if (folder === ROOT) {
    throw new Error(
      `there is no stack ${stack} where you are signed in: pulumi login, then pulumi stack init ${stack}`,
    );
  }
  copyFileSync(join(ROOT, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  await run("pulumi", ["stack", "init", stack, "--no-select", "--non-interactive"], {
    cwd: folder,
  });
}

/** The outputs of a stack that is up. */
export async function stackOutputs(
  stack: string,
  configFile: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<StackOutputs> {
  const { stdout } = await run("pulumi", ["stack", "output", "--json", "--stack", stack], {
    cwd: dirname(configFile),
    env,
  });
  return outputsSchema.parse(JSON.parse(stdout));
}

/** The password of the application's database role. */
export async function databasePassword(
  stack: string,
  configFile: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const args = ["stack", "output", "databasePassword", "--show-secrets", "--stack", stack];
  const { stdout } = await run("pulumi", args, { cwd: dirname(configFile), env });
  return stdout.trim();
}
