import { copyFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { ROOT } from "../stack/pulumi";
import { configFileOf } from "../stack/stack-config";
import { BASE_IMAGE } from "./base-image";
import { BRING_UP, bringUp } from "./bring-up";
import { Cluster } from "./cluster";
import { CORRECTNESS } from "./correctness";
import { DEPLOY } from "./deploy";
import { runDrill, type Drill, type DrillResult } from "./drill";
import { grow, GROW, startWithOne } from "./grow";
import { EditableStack, LabStack } from "./lab-stack";
import type { MachinesUpdate } from "./machines-update";
import { replace, REPLACE, startWithSpare } from "./replace";
import { MACHINE_FAULTS } from "./machine-faults";
import { PROCESS_FAULTS } from "./process-faults";
import { comeAndGo, WORKERS } from "./workers";

const DRILLS: Readonly<Record<string, Drill>> = {
  ...MACHINE_FAULTS,
  ...PROCESS_FAULTS,
  deploy: DEPLOY,
  "base-image": BASE_IMAGE,
  correctness: CORRECTNESS,
};
/** Those that need a lab of their own. */
const ON_THEIR_OWN: Readonly<Record<string, (run: number) => Promise<DrillResult>>> = {
  [BRING_UP.name]: async (run) => await onOwnLab(BRING_UP, async (stack) => bringUp(stack, run)),
  [GROW.name]: async (run) =>
    await onOwnLab(GROW, async (stack) => await grow(stack, await startWithOne(stack), run)),
  [REPLACE.name]: async (run) =>
    await onOwnLab(REPLACE, async (stack) => replace(stack, await startWithSpare(stack), run)),
  [WORKERS.name]: async (run) =>
    await onOwnLab(WORKERS, async (stack) => comeAndGo(stack, await startWithSpare(stack), run)),
};
const ABOUT = {
  ...DRILLS,
  ...Object.fromEntries([BRING_UP, GROW, REPLACE, WORKERS].map((each) => [each.name, each])),
};

const program = new Command("./scripts/drill")
  .description("Lets a fault befall a local stack under load, and measures what users notice.")
  .argument("<name>", "one of those below")
  .option("-s, --stack <name>", "the stack", "local-ha")
  .option("--runs <count>", "how often", wholeNumber, 1)
  .option("--json <file>", "writes an array with an object for each run")
  .addHelpText(
    "after",
    `\n${Object.entries(ABOUT)
      .map(
        ([name, { about, boundSeconds }]) =>
          `  ${name.padEnd(16)} ${about}; writes back within ${boundSeconds} s`,
      )
      .join("\n")}`,
  )
  .action(main);

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1000) {
    throw new InvalidArgumentError("must be a whole number from 1 to 1000");
  }
  return value;
}

interface Options {
  stack: string;
  runs: number;
  json?: string;
}

async function main(name: string, { stack, runs, json }: Options): Promise<void> {
  const runOnce = ON_THEIR_OWN[name] ?? (await drillOn(stack, name));
  const results: DrillResult[] = [];
  for (let run = 1; run <= runs; run += 1) {
    const result = await runOnce(run);
    results.push(result);
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
    process.stdout.write(`${line(result)}\n`);
  }
  process.stdout.write(`${summary(results)}\n`);
  if (results.some(({ ok }) => !ok)) process.exitCode = 1;
}

/** A drill on a stack that is up. */
async function drillOn(
  stack: string,
  name: string,
): Promise<(run: number) => Promise<DrillResult>> {
  const drill = DRILLS[name];
  if (drill === undefined) {
    throw new Error(`there is no drill ${name}: ${Object.keys(ABOUT).join(", ")}`);
  }
  // A copy: what a drill changes is not what the operator wrote.
  const folder = mkdtempSync(join(tmpdir(), "trivet-drill-"));
  const configFile = join(folder, `Pulumi.${stack}.yaml`);
  copyFileSync(configFileOf(stack), configFile);
  copyFileSync(join(ROOT, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  const edited = new EditableStack(stack, configFile);
  const cluster = new Cluster(await edited.target(), stack);
  return async (run) => await runDrill(name, drill, run, cluster, edited);
}

async function onOwnLab(
  { name }: MachinesUpdate,
  drill: (stack: LabStack) => Promise<DrillResult>,
): Promise<DrillResult> {
  const stack = new LabStack(`drill-${name}`);
  try {
    return await drill(stack);
  } finally {
    await stack.remove();
  }
}

const seconds = (value: number) => `${value.toFixed(1)} s`;

/** In brackets, the most frequent first; empty without any. */
function reasons(counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  const words = sorted.map(([reason, count]) => `${count} x ${reason}`);
  return words.length > 0 ? ` (${words.join(", ")})` : "";
}

/** Nothing where no writer on a machine that was not hit was told of a failure. */
function failedStatements({ writeErrors }: DrillResult["observed"]): string[] {
  const told = reasons(writeErrors);
  return told === "" ? [] : [`statements failed${told}`];
}

/** Nothing where this computer has its processors to itself. */
function stolen({ stolenPercent, worstStolenPercent }: DrillResult["observed"]): string[] {
  if (!(worstStolenPercent >= 1)) return [];
  const percent = (value: number) => `${value.toFixed(0)} %`;
  return [`stolen ${percent(stolenPercent)} (worst second ${percent(worstStolenPercent)})`];
}

function line(result: DrillResult): string {
  const { observed } = result;
  return [
    `${result.drill} ${result.run}: ${result.ok ? "ok" : "FAILED"}`,
    `writes back after ${seconds(result.writeGapSeconds)} (bound ${result.boundSeconds} s)`,
    `HTTP gap ${seconds(result.httpGapSeconds)}, longest answer ${seconds(observed.longestRequestSeconds)}`,
    `${result.failedRequests} of ${observed.requests} requests failed${reasons(observed.failures)}`,
    `${result.lostRows} of ${observed.acknowledgedRows} rows lost`,
    ...failedStatements(observed),
    `redundant after ${seconds(result.redundantAfterSeconds)}`,
    ...stolen(observed),
    ...Object.entries(result.details).map(([name, value]) => `${name} ${value.toFixed(1)}`),
    ...result.broken.map((bound) => `NOT KEPT: ${bound}`),
    ...(result.broken.length > 0 ? [`longest write gap: ${observed.writeGap}`] : []),
  ].join("; ");
}

function summary(results: readonly DrillResult[]): string {
  const range = (pick: (result: DrillResult) => number) => {
    const sorted = results
      .map(pick)
      .filter(Number.isFinite)
      .sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN;
    return `${at(0).toFixed(1)} / ${at(0.5).toFixed(1)} / ${at(1).toFixed(1)}`;
  };
  return [
    `${results.length} runs, ${results.filter(({ ok }) => ok).length} ok; min / median / max`,
    `  write gap        ${range((r) => r.writeGapSeconds)} s`,
    `  HTTP gap         ${range((r) => r.httpGapSeconds)} s`,
    `  failed requests  ${range((r) => r.failedRequests)}`,
    `  lost rows        ${range((r) => r.lostRows)}`,
    `  redundant after  ${range((r) => r.redundantAfterSeconds)} s`,
  ].join("\n");
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`drill: ${error instanceof Error ? error.message : String(error)}\n`);
  // At once: load that has not ended would keep everybody waiting.
  process.exit(1);
});
