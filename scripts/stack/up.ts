import { answersWithin } from "./address";
import { PROJECT, stackOutputs, runPulumi, selectStack } from "./pulumi";
import { platformMemory, printMemory } from "./memory";
import { recoverStack, repairState } from "./recover";
import { configFileOf, readInventory } from "./stack-config";

/** How long the address may take to answer once `pulumi up` is done. Seconds. */
const ANSWER_SECONDS = 60;

async function main(stack: string): Promise<void> {
  const standIns = process.env.TRIVET_STAND_INS ?? "";
  if (standIns !== "") {
    say(
      `the official plugins cannot be downloaded here: stand-ins serve ${standIns.split(" ").join(", ")}`,
    );
  }
  const configFile = configFileOf(stack);
  const place = { stack, project: PROJECT, configFile };
  await repairState(place, say);
  await selectStack(stack, configFile);
  await recoverStack(place, say);
  const started = Date.now();
  const asks = readInventory(stack) === undefined;
  await runPulumi(["up", "--stack", stack, "--config-file", configFile], { asks });
  const outputs = await stackOutputs(stack, configFile);
  const [url] = outputs.urls;
  if (url === undefined) throw new Error(`stack ${stack} has no address: configure trivet:domains`);
  await answersWithin(ANSWER_SECONDS, url, outputs);
  say(`${url} answers, ${seconds(started)} s after pulumi started${sinceStart()}`);
  printMemory(await platformMemory(outputs));
  process.stdout.write(`${outputs.urls.join("\n")}\n`);
}

const seconds = (since: number) => Math.round((Date.now() - since) / 1000);

function sinceStart(): string {
  const start = Number(process.env.TRIVET_STARTED);
  return Number.isFinite(start) ? `, ${seconds(start * 1000)} s after this command` : "";
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

main(process.argv[2] ?? "local").catch((error: unknown) => {
  say(`up: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
