import assert from "node:assert/strict";
import type { StackOutputs } from "../../scripts/stack/pulumi";
import { load } from "./support/load";
import type { LabStack, Outcome } from "../../scripts/drills/lab-stack";

/** A platform that runs the example's service `web`, built from its folder. */
export interface Platform {
  stack: LabStack;
  outputs: StackOutputs;
}

const SERVICE = ["trivet:services", "web"] as const;
const START_SECONDS = 20;
/** What one `pulumi up` may take beside the start of the image. Seconds. */
const SPARE_SECONDS = 240;

/** Images that are broken, by what is wrong with them, and what is said of each. */
const BROKEN = {
  exits: {
    command: "console.error('no catalogue');process.exit(3)",
    says: [
      /trivet:services\.web: ends with exit code 3 instead of getting healthy/,
      /^ +no catalogue$/m,
    ],
  },
  "never-healthy": {
    command: "console.error('no parcel');setInterval(()=>0,1000)",
    says: [
      /trivet:services\.web: is not healthy within 20 s, its startSeconds/,
      /^ +no parcel$/m,
      /Its last health check:\n +"/,
    ],
  },
  missing: {
    command: undefined,
    says: [
      /trivet:services\.web\.image: image trivet-bad\.test\/missing:1 cannot be pulled: check its name/,
    ],
  },
} as const;

/** Builds an image that runs one line of JavaScript, from the one that runs now. */
const build = (name: string, command: string) => `
  now=$(docker service inspect web --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}')
  docker tag "$now" trivet-bad.test/now:1
  DOCKER_BUILDKIT=0 docker build --quiet --tag trivet-bad.test/${name}:1 - >/dev/null 2>&1 <<'END'
FROM trivet-bad.test/now:1
ENTRYPOINT []
CMD ["node", "-e", "${command}"]
END`;

const REPLICAS = "docker service ps web --filter desired-state=running --format '{{.ID}}' | sort";

/** Tests of images that cannot be used, on a platform that is up; it is as before when they end. */
export function badImageTests(platform: () => Platform): void {
  for (const [name, { command, says }] of Object.entries(BROKEN)) {
    it(`refuses an image that is ${name}, says why, and goes on serving`, async () => {
      const { stack } = platform();
      if (command !== undefined) await stack.onMachine("vm1", build(name, command));
      const before = await stack.onMachine("vm1", REPLICAS);
      useImage(stack, `trivet-bad.test/${name}:1`);
      // Twice: what was refused is not taken for done the next time.
      for (const time of ["first", "again"]) {
        const said = await underLoad(platform(), stack.pulumi("up", "--yes", "--skip-preview"));
        assertRefused(said, says, `${name}, ${time}`);
      }
      assert.equal(await stack.onMachine("vm1", REPLICAS), before, "replicas were touched");
      assert.equal(await stack.onMachine("vm1", "docker ps -aqf label=trivet.try"), "");
    });
  }

  it("goes on with the good image", async () => {
    const { stack } = platform();
    stack.configure([...SERVICE, "image"], undefined);
    stack.configure([...SERVICE, "startSeconds"], undefined);
    stack.configure([...SERVICE, "build"], "./examples/exam");
    const said = await underLoad(platform(), stack.pulumi("up", "--yes", "--skip-preview"));
    assert.equal(said.code, 0, said.output.slice(-4000));
  });
}

function useImage(stack: LabStack, image: string): void {
  stack.configure([...SERVICE, "build"], undefined);
  stack.configure([...SERVICE, "image"], image);
  stack.configure([...SERVICE, "startSeconds"], START_SECONDS);
}

/** The update's outcome; no request may fail meanwhile. */
async function underLoad(
  { outputs }: Platform,
  update: Promise<Outcome>,
): Promise<Outcome & { seconds: number }> {
  const started = Date.now();
  const [url = ""] = outputs.urls;
  const result = await load(url, {
    certificate: outputs.certificate,
    concurrency: 2,
    until: update,
  });
  assert.deepEqual(result.reasons, {});
  return { ...(await update), seconds: (Date.now() - started) / 1000 };
}

function assertRefused(
  said: Outcome & { seconds: number },
  says: readonly RegExp[],
  title: string,
): void {
  assert.notEqual(said.code, 0, title);
  for (const text of says) assert.match(said.output, text, title);
  assert.doesNotMatch(said.output, /^\s+at .*:\d+:\d+/m, "shows a stack trace");
  const longest = START_SECONDS + SPARE_SECONDS;
  assert.ok(said.seconds < longest, `${title} took ${said.seconds} s`);
}
