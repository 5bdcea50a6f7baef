import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { forgetPending, readPending } from "../../scripts/stack/recover";
import { interruptTwice, killAll, killEngine } from "./support/interruption";
import type { Running } from "./support/project";
import { Random } from "./support/random";
import {
  configurationOf,
  FIRST_SHAPE,
  type Shape,
  type SmallPlatform,
  startSmallPlatform,
} from "./support/small-platform";
import { label, parseState } from "./support/steps";

const SEED = Number(process.env.TRIVET_SEED ?? Date.now() % 1_000_000);

/** Each platform is interrupted while it is made, and then in updates. */
const PLATFORMS = Number(process.env.TRIVET_PLATFORMS ?? 8);
const INTERRUPTIONS_EACH = 4;
/** How many interruptions must be finished: some updates are done before. */
const INTERRUPTIONS = Math.floor(PLATFORMS * INTERRUPTIONS_EACH * 0.95);
const AT_A_TIME = 4;

/** What an update takes that nobody interrupts. Seconds. */
const CREATION_SECONDS = 35;
const UPDATE_SECONDS = 20;

/** Ways to end an engine, the commonest first. */
const WAYS = ["all", "all", "engine", "engine", "control-C twice"] as const;

const CHANGES: Readonly<Record<string, (shape: Shape, n: number) => Shape>> = {
  image: (shape, n) => ({ ...shape, image: `registry.example.org/shop:${n}` }),
  replicas: (shape) => ({ ...shape, replicas: shape.replicas === 2 ? 3 : 2 }),
  environment: (shape, n) => ({ ...shape, logLevel: `level-${n}` }),
  secret: (shape, n) => ({ ...shape, apiKey: `key-${n}` }),
  worker: (shape) => ({ ...shape, worker: !shape.worker }),
};

const WEB_SECRETS = ["API_KEY", "SESSION_SECRET"];
const CONNECTIONS = [
  "DATABASE_DIRECT_URL",
  "DATABASE_PASSWORD",
  "DATABASE_READ_URL",
  "DATABASE_URL",
  "REDIS_PASSWORD",
  "REDIS_URL",
];
const STATEFUL = ["etcd-vm1", "postgres-vm1", "valkey-vm1"];
const PLATFORM_SERVICES = [
  ...STATEFUL,
  ...["nginx-vm1", "pgbouncer-vm1", "pooler-guard-vm1", "router-vm1", "valkey-router-vm1"],
];

const UP = ["--yes", "--skip-preview"];

function end(way: (typeof WAYS)[number], { project }: SmallPlatform, running: Running): void {
  if (way === "all") killAll(project);
  else if (way === "engine") killEngine(running);
  else interruptTwice(running);
}

/** Starts an update and ends it at some moment. False if it was done by then. */
async function interrupted(platform: SmallPlatform, random: Random, longest: number, what: string) {
  const [moment, way] = [random.next() * longest, random.pick(WAYS)];
  const running = platform.project.start("up", ...UP);
  await Promise.race([sleep(moment * 1000), running.said]);
  const isAtWork = running.process.exitCode === null && running.process.signalCode === null;
  if (isAtWork) end(way, platform, running);
  const { code } = await running.said;
  const outcome = isAtWork ? `ended (${way}) after ${moment.toFixed(1)} s` : "was done before";
  process.stdout.write(`        ${what} ${outcome}, code ${code ?? "none"}\n`);
  return isAtWork && code !== 0;
}

/** What ./scripts/up does. */
async function recover({ project }: SmallPlatform): Promise<void> {
  const cancelled = await project.command("cancel", project.stack, "--yes");
  assert.equal(cancelled.code, 0, cancelled.all);
  const pending = readPending(await project.state());
  if (pending.length > 0) {
    const refreshed = await project.run(...forgetPending(pending));
    assert.equal(refreshed.code, 0, refreshed.all);
  }
  const said = await project.run("up", ...UP);
  assert.equal(said.code, 0, said.all);
}

async function assertFinished(platform: SmallPlatform, shape: Shape): Promise<void> {
  const { machine, project } = platform;
  const again = await project.run("preview", "--diff", "--expect-no-changes");
  assert.equal(again.code, 0, again.all);
  const { resources, pending_operations } = parseState(await project.state());
  assert.deepEqual(pending_operations, []);
  assert.deepEqual(locksOf(platform), []);

  const { services, secrets, networks } = machine.swarm;
  const names = services.list().map(({ spec }) => spec.Name);
  const applications = ["web", ...(shape.worker ? ["worker"] : [])];
  assert.deepEqual(names.sort(), [...PLATFORM_SERVICES, ...applications].sort());
  const expected = applications.flatMap((name) =>
    [...CONNECTIONS, ...(name === "web" ? WEB_SECRETS : [])].map((key) => `${name}-${key}`),
  );
  // The provider adds seven digits.
  const kept = secrets.list().map(({ spec }) => spec.Name.replace(/-[0-9a-f]{7}$/, ""));
  assert.deepEqual(kept.sort(), expected.sort());
  assert.deepEqual(
    networks.list().map(({ spec }) => spec.Name),
    ["trivet"],
  );
  const made = [...services.list(), ...secrets.list(), ...networks.list()].map(({ ID }) => ID);
  const known = resources.filter(({ urn }) => /^docker:/.test(label(urn))).map(({ id }) => id);
  assert.deepEqual(known.sort(), made.sort());
  assert.deepEqual(machine.unanswered, []);
}

function locksOf({ project }: SmallPlatform): string[] {
  const folder = project.path("state/.pulumi/locks");
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return entries.filter((name) => name.endsWith(".json"));
}

/** Identity and version of the services that hold data: both change with everything that restarts one. */
function dataServices({ machine }: SmallPlatform): string[] {
  const { services } = machine.swarm;
  return STATEFUL.map((name) => {
    const { ID, version } = services.get(name);
    return `${name} ${ID} ${version}`;
  });
}

/** One platform, interrupted until it has been interrupted often enough. */
async function endure(platform: SmallPlatform, seed: number): Promise<number> {
  const random = new Random(seed);
  let shape = FIRST_SHAPE;
  let count = 0;
  for (let round = 1; count < INTERRUPTIONS_EACH && round <= 2 * INTERRUPTIONS_EACH; round += 1) {
    const isFirst = round === 1;
    const change = random.pick(Object.keys(CHANGES));
    if (!isFirst) shape = CHANGES[change]?.(shape, round) ?? shape;
    const before = isFirst ? [] : dataServices(platform);
    platform.project.configure(configurationOf(shape, platform.machine));
    const what = `seed ${seed}, round ${round}, ${isFirst ? "creation" : `change of ${change}`}`;
    const longest = isFirst ? CREATION_SECONDS : UPDATE_SECONDS;
    if (await interrupted(platform, random, longest, what)) count += 1;
    try {
      await recover(platform);
      await assertFinished(platform, shape);
      if (!isFirst) assert.deepEqual(dataServices(platform), before);
    } catch (error) {
      throw new Error(`${what}: ${String(error)}`, { cause: error });
    }
  }
  return count;
}

describe(`updates that are interrupted at any moment (TRIVET_SEED=${SEED})`, function () {
  this.timeout(1_800_000);
  const platforms: SmallPlatform[] = [];

  after(async () => {
    for (const { machine, project } of platforms) {
      killAll(project);
      await machine.stop();
      project.remove();
    }
  });

  it(`are finished by one more update`, async () => {
    const seeds = Array.from({ length: PLATFORMS }, (_, i) => SEED + i);
    const failures: string[] = [];
    let count = 0;
    const work = async () => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        const platform = await startSmallPlatform(FIRST_SHAPE);
        platforms.push(platform);
        try {
          const finished = await endure(platform, seed);
          // Not `count += await …`, which adds to what the count was before.
          count += finished;
        } catch (error) {
          failures.push(String(error));
          process.stdout.write(`        seed ${seed} FAILED: ${String(error)}\n`);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, work));
    process.stdout.write(`        ${count} interruptions finished\n`);
    assert.equal(failures.length, 0, failures.join("\n"));
    assert.ok(count >= INTERRUPTIONS, `only ${count} updates were interrupted`);
  });
});
