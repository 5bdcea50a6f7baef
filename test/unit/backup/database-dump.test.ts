import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { DatabaseDumpArgs } from "../../../components/backup/database-dump";
import { DatabaseDump, DUMP_DEFAULTS } from "../../../components/backup/database-dump";
import { renderDumpService, renderDumpTimer } from "../../../components/backup/dump-files";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { failuresOf, problemsOf } from "../support/outputs";
import { hosts, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";
import { filesIn } from "../support/script-input";

const KEY = "-----BEGIN PRIVATE KEY-----\nthe-key-of-the-keeper\n-----END PRIVATE KEY-----\n";
const COPY = {
  address: "192.0.2.9",
  user: "keeper",
  hostKey: "ssh-ed25519 AAAAC3Nza keeper@host",
  path: "/srv/dumps",
  privateKey: KEY,
};

describe("DatabaseDump", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const args = (count: number): DatabaseDumpArgs => ({
    hosts: hosts(count),
    source: {
      database: "shop",
      members: hosts(count).map(({ name, privateAddress }) => ({ name, address: privateAddress })),
      services: Object.fromEntries(hosts(count).map(({ name }) => [name, `db-${name}`])),
    },
  });

  it("writes script and units on each machine, and starts the timer", async () => {
    new DatabaseDump("dump", { ...args(3), time: "04:15", keepDays: 3 });
    await engine.settled();
    const { words, data } = engine.script("dump-vm2-files");
    const files = filesIn(data);
    assert.deepEqual(Object.keys(files), [
      "/etc/trivet/dump/dump.sh",
      "/etc/systemd/system/trivet-dump.service",
      "/etc/systemd/system/trivet-dump.timer",
    ]);
    const service = renderDumpService({
      machine: "vm2",
      service: "db-vm2",
      database: "shop",
      keepDays: 3,
      members: ["10.0.0.2:8008", "10.0.0.1:8008", "10.0.0.3:8008"],
      copyTo: undefined,
    });
    assert.equal(files["/etc/systemd/system/trivet-dump.service"]?.content, service);
    const timer = files["/etc/systemd/system/trivet-dump.timer"]?.content;
    assert.equal(timer, renderDumpTimer("04:15"));
    assert.match(words[0] ?? "", /^set -- \/var\/lib\/trivet\/dumps on false\n/);
  });

  it("keeps the timer off when it is told to", async () => {
    new DatabaseDump("dump", { ...args(1), enabled: false });
    await engine.settled();
    const { words } = engine.script("dump-vm1-files");
    assert.match(words[0] ?? "", /^set -- \/var\/lib\/trivet\/dumps off false\n/);
  });

  it("gives the machine a key for the second one, which nothing shows", async () => {
    const privateKey = KEY.replaceAll("\n", "\r\n");
    new DatabaseDump("dump", { ...args(1), copyTo: { ...COPY, port: 2222, privateKey } });
    await engine.settled();
    const files = filesIn(engine.script("dump-vm1-files").data);
    assert.deepEqual(files["/etc/trivet/dump/key"], { mode: "0400", owner: "0:0", content: KEY });
    assert.equal(
      files["/etc/trivet/dump/known_hosts"]?.content,
      "[192.0.2.9]:2222 ssh-ed25519 AAAAC3Nza\n",
    );
    const service = files["/etc/systemd/system/trivet-dump.service"]?.content ?? "";
    assert.match(service, /"" 300 keeper@192\.0\.2\.9 2222 \/srv\/dumps\n/);
    assertNoLeak(engine.made, ["the-key-of-the-keeper"]);
  });

  it("refuses a key that needs a passphrase, and what is no key", async () => {
    for (const [privateKey, reason] of [
      ["-----BEGIN ENCRYPTED PRIVATE KEY-----\nx\n", "has a passphrase, which nobody can type"],
      ["hunter2", "is no private key"],
    ] as const) {
      const failures = await failuresOf(
        () =>
          new DatabaseDump("dump", {
            ...args(1),
            copyTo: { ...COPY, privateKey: pulumi.output(privateKey) },
          }),
      );
      assert.ok(failures.some((text) => text.includes(`copyTo.privateKey: ${reason}`)));
      await engine.install();
    }
  });

  it("documents its defaults", () => {
    const file = "components/backup/database-dump.ts";
    assert.deepEqual(documentedDefaults(file, "DumpSchedule"), DUMP_DEFAULTS);
  });

  it("reports all bad arguments at once", () => {
    const bad = {
      ...args(1),
      hosts: hosts(2),
      time: "24:00",
      keepDays: 0,
      copyTo: { ...COPY, address: "-oProxyCommand=x", port: 0, user: "a b", path: "/srv/$(id)" },
    };
    assert.deepEqual(
      problemsOf(() => new DatabaseDump("dump", bad)),
      [
        '  - time: is "24:00", must be a time of day such as "02:30"',
        "  - keepDays: is 0, must be a whole number from 1 to 3650",
        "  - hosts[1]: vm2 is no member",
        '  - copyTo.address: is "-oProxyCommand=x", must be an address or DNS name',
        "  - copyTo.port: is 0, must be a whole number from 1 to 65535",
        '  - copyTo.user: is "a b", must be a login name',
        '  - copyTo.path: is "/srv/$(id)", must be an absolute path of letters, digits and ._-',
      ],
    );
    const hostKey = "ssh-ed25519 AAAA\nevil";
    assert.equal(
      problemsOf(() => new DatabaseDump("dump", { ...args(1), copyTo: { ...COPY, hostKey } }))
        .length,
      1,
    );
  });
});
