import { join } from "node:path";
import { PROJECT, ROOT } from "./pulumi";
import { releaseDeadLock } from "./recover";

const [stack = ""] = process.argv.slice(2);
const say = (text: string) => process.stderr.write(`${text}\n`);
// Any folder of the project will do: the configuration is not read.
const configFile = join(ROOT, `Pulumi.${stack}.yaml`);
releaseDeadLock({ stack, project: PROJECT, configFile }, say).catch((error: unknown) => {
  say(`down: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
