import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { observe, type Observed } from "../../scripts/drills/load";
import { ROOT } from "../../scripts/stack/pulumi";
import { effect, snapshot } from "./support/snapshot";
import type { LabStack } from "../../scripts/drills/lab-stack";

/** A change of one setting, as an operator would make it. */
interface Change {
  setting: string;
  path: readonly string[];
  value: unknown;
  /** As the table shows it. */
  shown: string;
  /** Run on the machine before. */
  prepare?: string;
  /** Outcomes that are one to the reader of the table, and how it calls them. */
  either?: { effects: readonly string[]; called: string };
  /** Postgres itself restarts: what is in flight at that moment may fail. @default false */
  restartsPostgres?: boolean;
}

const CHANGES: readonly Change[] = [
  {
    setting: "services.web.replicas",
    path: ["trivet:services", "web", "replicas"],
    value: 3,
    shown: "2 → 3",
    // The provider gives Swarm the variables in random order, and Swarm takes another order for a change.
    either: {
      effects: ["web: more replicas", "web: replicas replaced one by one"],
      called: "web: one replica more; the others stay, or are replaced one by one",
    },
  },
  {
    setting: "services.web.env",
    path: ["trivet:services", "web", "env", "LOG_LEVEL"],
    value: "fatal",
    shown: "a variable",
  },
  {
    setting: "loadBalancer.maxBodyMiB",
    path: ["trivet:loadBalancer", "maxBodyMiB"],
    value: 33,
    shown: "32 → 33",
  },
  {
    setting: "database.pool.size",
    path: ["trivet:database", "pool", "size"],
    value: 21,
    shown: "20 → 21",
    // Postgres has to accept as many connections.
    restartsPostgres: true,
  },
  {
    setting: "database.router.maxConnections",
    path: ["trivet:database", "router", "maxConnections"],
    value: 4100,
    shown: "4000 → 4100",
  },
  {
    setting: "database.parameters",
    path: ["trivet:database", "parameters", "work_mem"],
    value: "8MB",
    shown: "work_mem",
  },
  {
    setting: "database.maxConnections",
    path: ["trivet:database", "maxConnections"],
    value: 120,
    shown: "to 120",
    restartsPostgres: true,
  },
  { setting: "cache.memoryMiB", path: ["trivet:cache", "memoryMiB"], value: 96, shown: "to 96" },
  {
    setting: "kernel.sysctls",
    path: ["trivet:kernel", "sysctls", "net.ipv4.tcp_keepalive_probes"],
    value: "7",
    shown: "tcp_keepalive_probes",
  },
  {
    setting: "firewall.sshFrom",
    path: ["trivet:firewall", "sshFrom"],
    value: ["10.0.0.0/8"],
    shown: "one network",
  },
  {
    setting: "docker.logMaxFiles",
    path: ["trivet:docker", "logMaxFiles"],
    value: 6,
    shown: "5 → 6",
  },
  {
    // The same files in another image: what is built from it is built again.
    setting: "images.debian",
    path: ["trivet:images", "debian"],
    value: "debian:trivet-test",
    prepare: `printf 'FROM debian:trixie-slim\nLABEL trivet.test=other\n' | DOCKER_BUILDKIT=0 docker build -q -t debian:trivet-test - >&2`,
    shown: "a new image of every service",
    restartsPostgres: true,
  },
];

const TABLE = join(ROOT, "docs", "changes.md");
const HEAD = "| setting | change | what happens | failed requests | longest pause of writes |";

/** A row of the table; the seconds are of one run. */
function renderRow(change: Change, happened: string, seen: Observed): string {
  const pause = seen.writeGapSeconds < 1 ? "under 1 s" : `${Math.ceil(seen.writeGapSeconds)} s`;
  const failed = change.restartsPostgres === true ? "0 to a few" : String(seen.failedRequests);
  const cells = [`\`${change.setting}\``, change.shown, happened, failed, pause];
  return `| ${cells.join(" | ")} |`;
}

/** The same without what differs from run to run. */
const firm = (row: string) => row.split(" | ").slice(0, 4).join(" | ");

/** Each change under load, on a platform with one machine. The table in the documentation must say the same. */
export function changesTests(platform: () => { stack: LabStack }): void {
  const rows: string[] = [];

  for (const change of CHANGES) {
    it(`changes ${change.setting} gently`, async () => {
      const { stack } = platform();
      const target = await stack.target();
      if (change.prepare !== undefined) await stack.onMachine("vm1", change.prepare);
      const before = await snapshot(stack);
      stack.configure(change.path, change.value);
      const seen = await observe(target, { stay: ["vm1"] }, async () => {
        await stack.up();
      });
      const happened = effect(before, await snapshot(stack));
      const isEither = change.either?.effects.includes(happened) === true;
      const row = renderRow(change, isEither ? (change.either?.called ?? "") : happened, seen);
      process.stdout.write(`      ${row} ${JSON.stringify(seen)}\n`);
      rows.push(row);
      assert.equal(seen.lostRows, 0);
      if (change.restartsPostgres === true) return;
      assert.deepEqual(seen.failures, {});
      assert.deepEqual(seen.writeErrors, {});
    });
  }

  it("says in the documentation what was seen", () => {
    const written = readFileSync(TABLE, "utf8");
    const start = written.indexOf(HEAD);
    const end = written.indexOf("\n\n", start);
    const [head = "", line = "", ...old] = written.slice(start, end).split("\n");
    if (process.env.TRIVET_WRITE_DOCS === "true") {
      const text = [head, line, ...rows].join("\n");
      writeFileSync(TABLE, written.slice(0, start) + text + written.slice(end));
    } else {
      assert.deepEqual(rows.map(firm), old.map(firm), "run it with TRIVET_WRITE_DOCS=true");
    }
  });
}
