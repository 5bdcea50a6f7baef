import assert from "node:assert/strict";
import { InvalidArgsError } from "../../../../components/core/args-check";
import { parseConfig, type PlatformConfig, type Surroundings } from "../../../../stacks/config";

export const HOST_KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJLgXcLpE54+emzeK5y2smdkwDaF+7PUqCEKw33s2gTA";

/** A place where nothing depends on this machine. */
export const AT: Surroundings = {
  home: "/home/ops",
  projectFolder: "/project",
  sshAuthSock: "/run/agent",
  now: new Date("2030-01-01T00:00:00Z"),
  exists: (path) =>
    [
      "/home/ops/.ssh/id",
      "/home/ops/agent",
      "/project/app",
      "/project/app/Dockerfile",
      "/project/bare",
    ].includes(path),
};

export const machine = (number: number) => ({
  address: `192.0.2.${number}`,
  privateAddress: `10.0.0.${number}`,
  hostKey: HOST_KEY,
});

/** The least that is right, with one service. */
export const base = (): Record<string, unknown> => ({
  cloud: "ssh",
  machines: { vm1: machine(1) },
  domains: ["example.org"],
  services: { web: { image: "shop:1.4" } },
});

/** Changes by path, as in `machines.vm1.port`; undefined takes a key away. */
export type Changes = Readonly<Record<string, unknown>>;

export function changed(changes: Changes): Record<string, unknown> {
  const root = base();
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.split(".");
    const last = steps.pop() ?? "";
    let place = root;
    for (const step of steps) {
      const next = place[step];
      const child = isMapping(next) ? next : {};
      place[step] = child;
      place = child;
    }
    if (value === undefined) Reflect.deleteProperty(place, last);
    else place[last] = value;
  }
  return root;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

export function parsed(changes: Changes = {}, at: Partial<Surroundings> = {}): PlatformConfig {
  return parseConfig(changed(changes), "prod", { ...AT, ...at });
}

/** The problems told, none for a configuration that is right. */
export function problemsOf(raw: Record<string, unknown>, at: Partial<Surroundings> = {}) {
  try {
    parseConfig(raw, "prod", { ...AT, ...at });
    return [];
  } catch (error) {
    assert.ok(error instanceof InvalidArgsError, `not an InvalidArgsError: ${String(error)}`);
    return error.problems;
  }
}

/** What a table's row holds: its changes, then the problems to the letter, without `trivet:`. */
export type Row = readonly [changes: Changes, ...problems: string[]];

/** One test for each row. */
export function table(rows: readonly Row[], at: Partial<Surroundings> = {}): void {
  for (const [changes, ...problems] of rows) {
    const title = JSON.stringify(changes).slice(0, 100);
    it(problems.length === 0 ? `takes ${title}` : `refuses ${title}`, () => {
      assert.deepEqual(
        problemsOf(changed(changes), at),
        problems.map((problem) => `trivet:${problem}`),
      );
    });
  }
}
