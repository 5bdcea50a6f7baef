import { appendFileSync, cpSync, mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../stack/pulumi";
import type { Details, Drill } from "./drill";
import type { EditableStack } from "./lab-stack";

const BUILD = ["trivet:services", "web", "build"];
const VERSIONS = 10;

/** A version of the example in a folder of its own; a broken one ends as soon as it starts. */
export function writeVersion(folder: string, version: string, broken: boolean): string {
  const context = join(folder, version);
  const example = join(ROOT, "examples", "exam");
  mkdirSync(context, { recursive: true });
  cpSync(join(example, "dist"), join(context, "dist"), { recursive: true });
  cpSync(join(example, "Dockerfile"), join(context, "Dockerfile"));
  const command = broken ? 'CMD ["node", "-e", "process.exit(1)"]\n' : "";
  appendFileSync(join(context, "Dockerfile"), `LABEL release=${version}\n${command}`);
  return context;
}

/** Whether an update failed because of the broken version, and for no other reason. */
function refusesBroken({ code, output }: { code: number | null; output: string }): boolean {
  return code !== 0 && /services\.web: ends with exit code 1 instead of getting/.test(output);
}

/** Deploys versions one after the other from a folder, one of them broken. */
async function deployVersions(
  stack: EditableStack,
  folder: string,
  versions: number,
  details: Details,
): Promise<void> {
  const run = Date.now().toString(36);
  details.failedDeploys = 0;
  details.brokenAccepted = 1;
  for (let version = 1; version <= versions; version += 1) {
    const broken = version === Math.ceil(versions / 2);
    stack.configure(BUILD, writeVersion(folder, `${run}-${version}`, broken));
    const { code, output } = await stack.pulumi("up", "--yes", "--skip-preview");
    if (broken) {
      // The next one must know it as well.
      const again = await stack.pulumi("up", "--yes", "--skip-preview");
      const accepted = [{ code, output }, again].filter((said) => !refusesBroken(said));
      details.brokenAccepted = accepted.length;
      for (const said of accepted) process.stderr.write(said.output.slice(-3000));
    } else if (code !== 0) {
      details.failedDeploys += 1;
      process.stderr.write(output.slice(-3000));
    }
  }
}

export const DEPLOY: Drill = {
  about: `${VERSIONS} versions of the application, one of them broken`,
  boundSeconds: 2,
  httpBoundSeconds: 2,
  failedRequestsBound: 0,
  failedWritesBound: 0,
  limits: { failedDeploys: 0, brokenAccepted: 0 },
  prepare: async (_cluster, stack) => {
    const before = stack.configured(BUILD);
    const folder = await mkdtemp(join(tmpdir(), "trivet-versions-"));
    return {
      hit: [],
      happens: async (details) => {
        await deployVersions(stack, folder, VERSIONS, details);
      },
      mend: async () => {
        stack.configure(BUILD, before);
        await stack.up();
      },
      tidy: async () => {
        await rm(folder, { recursive: true });
      },
    };
  },
};
