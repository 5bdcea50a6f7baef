import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Counts } from "./counts";

const ROOT = join(__dirname, "..", "..");

/** One check of the sources: a command that must succeed. */
interface Check {
  name: string;
  command: readonly string[];
  /** Folder that it runs in. @default the project's */
  cwd?: string;
}

/** Runs every check, shows the output of those that fail. */
export async function runChecks(): Promise<Counts> {
  const tools = output(["./scripts/toolchain/lint-tools"]).trim();
  process.env.PATH = `${tools}:${process.env.PATH ?? ""}`;
  const checks = allChecks();
  const failures = checks.filter((check) => !passes(check)).map(({ name }) => name);
  const failed = failures.length;
  return await Promise.resolve({ passed: checks.length - failed, failed, skipped: 0, failures });
}

function allChecks(): Check[] {
  const files = output(["git", "ls-files", "--cached", "--others", "--exclude-standard"])
    .trim()
    .split("\n");
  const dockerfiles = files.filter((file) => /(^|\/)Dockerfile$/.test(file));
  return [
    { name: "types", command: ["node_modules/.bin/tsc", "--noEmit"] },
    {
      name: "lint",
      command: [
        "node_modules/.bin/eslint",
        "--max-warnings",
        "0",
        "components",
        "stacks",
        "scripts",
        "test",
      ],
    },
    {
      name: "format",
      command: ["node_modules/.bin/prettier", "--check", "--log-level", "warn", "."],
    },
    { name: "shell", command: ["shellcheck", "--external-sources", ...files.filter(isShell)] },
    { name: "Dockerfiles", command: ["hadolint", ...dockerfiles] },
    {
      name: "documentation of arguments",
      command: ["node_modules/.bin/typedoc", "--emit", "none"],
    },
    ...exampleChecks(),
  ];
}

/** The example is a project of its own, with its own rules; bundling installs what they need. */
function exampleChecks(): Check[] {
  const cwd = join(ROOT, "examples", "exam");
  // A file of settings would bring the integration tests along, which need servers.
  const options = [
    "--no-config",
    "--node-option",
    "import=tsx",
    "--timeout",
    "20000",
    "--reporter",
    "dot",
  ];
  return [
    { name: "examples: bundles", command: ["scripts/stack/build-examples"] },
    {
      name: "examples/exam: types, lint, format",
      command: ["npm", "run", "--silent", "check"],
      cwd,
    },
    {
      name: "examples/exam: unit tests",
      command: ["node_modules/.bin/mocha", ...options, "test/unit/**/*.test.ts"],
      cwd,
    },
  ];
}

function passes({ name, command, cwd = ROOT }: Check): boolean {
  const [program = "", ...args] = command;
  const started = Date.now();
  const result = spawnSync(program, args, { cwd, encoding: "utf8" });
  const ok = result.status === 0;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(`  ${ok ? "✔" : "✘"} ${name} (${seconds} s)\n`);
  if (!ok) process.stdout.write(`${result.stdout}${result.stderr}${result.error?.message ?? ""}\n`);
  return ok;
}

function isShell(file: string): boolean {
  if (file.endsWith(".sh")) return true;
  if (/\.[a-z]+$/.test(file)) return false;
  try {
    return /^#!.*\b(ba)?sh\b/.test(readFileSync(join(ROOT, file), "utf8").slice(0, 80));
  } catch {
    return false;
  }
}

function output(command: readonly string[]): string {
  const [program = "", ...args] = command;
  const result = spawnSync(program, args, {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", 2],
  });
  if (result.status !== 0) throw new Error(`${program} failed: its message stands above`);
  return result.stdout;
}
