import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DUMP_FOLDER, DUMP_UNIT } from "../../components/backup/dump-files";
import { answersWithin } from "../../scripts/stack/address";
import type { StackOutputs } from "../../scripts/stack/pulumi";
import { ROOT } from "../../scripts/stack/pulumi";
import { readInventory } from "../../scripts/stack/stack-config";
import type { LabStack, Outcome } from "../../scripts/drills/lab-stack";

const run = promisify(execFile);
const COPY_FOLDER = "/home/keeper/dumps";

/** What the tests stand on: a platform on vm1, and a bare vm2 that the stack does not know. */
class DumpLab {
  readonly folder = mkdtempSync(join(tmpdir(), "trivet-dump-"));
  private readonly key = join(this.folder, "id_ed25519");
  constructor(
    readonly stack: LabStack,
    readonly outputs: StackOutputs,
  ) {}

  /** The operator's command, as in a shell. */
  async trivet(...args: string[]): Promise<Outcome> {
    const main = join(ROOT, "scripts", "operator", "main.ts");
    const words = ["--import", "tsx", main, "-s", this.stack.name, ...args];
    const env = { ...this.stack.env, TRIVET_CALLED_FROM: this.folder };
    try {
      const { stdout, stderr } = await run(process.execPath, words, { cwd: ROOT, env });
      return { code: 0, output: `${stdout}${stderr}` };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, output: `${stdout}${stderr}` };
    }
  }

  /** The status, once it ends with `code`: on a busy machine an answer may come too late for it. */
  async status(code: number): Promise<string> {
    let seen = await this.trivet("status");
    for (let turn = 0; turn < 5 && seen.code !== code; turn += 1)
      seen = await this.trivet("status");
    assert.equal(seen.code, code, seen.output);
    return seen.output;
  }

  async sql(statement: string, database = "app"): Promise<string> {
    const container = "$(docker ps -qf label=com.docker.swarm.service.name=postgres-vm1)";
    return await this.stack.onMachine(
      "vm1",
      `docker exec -i ${container} psql -XAtq -U postgres ${database} <<'SQL'\n${statement}\nSQL`,
    );
  }

  /** A second machine with a user who may do nothing but sign in with the key. */
  async makeKeeper(): Promise<void> {
    await this.stack.lab("up", "2");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", this.key]);
    const publicKey = readFileSync(`${this.key}.pub`, "utf8").trim();
    const home = "/home/keeper";
    await this.stack.onMachine(
      "vm2",
      `useradd --create-home --shell /bin/sh keeper
install -d -m 0700 -o keeper -g keeper ${home}/.ssh
echo '${publicKey}' > ${home}/.ssh/authorized_keys
chown keeper: ${home}/.ssh/authorized_keys`,
    );
  }

  /** Lets dumps be copied to vm2, whose host key the stack takes to be that of `machine`. */
  async copyTo(machine: "vm1" | "vm2"): Promise<void> {
    const machines = readInventory(this.stack.name)?.machines ?? {};
    this.stack.configure(["trivet:dump"], {
      copyTo: {
        address: machines.vm2?.privateAddress,
        user: "keeper",
        hostKey: machines[machine]?.hostKey,
        path: COPY_FOLDER,
        privateKeyPath: this.key,
      },
    });
    await this.stack.up();
  }

  privateKey(): string {
    return readFileSync(this.key, "utf8");
  }

  /** Name of the newest dump on vm1. */
  async newest(): Promise<string> {
    return await this.stack.onMachine("vm1", `ls ${DUMP_FOLDER} | grep '[.]dump$' | tail -n 1`);
  }
}

/** Tests of the dump on a running platform, which they leave as it was. */
export function dumpTests(platform: () => { stack: LabStack; outputs: StackOutputs }): void {
  describe("the dump of the database", function () {
    this.bail(true);
    let lab: DumpLab;
    let dump = "";

    before(async () => {
      const { stack, outputs } = platform();
      lab = new DumpLab(stack, outputs);
      await lab.makeKeeper();
      await lab.copyTo("vm2");
    });
    after(() => {
      rmSync(lab.folder, { recursive: true, force: true });
    });

    it("is made each night", async () => {
      const asked = `systemctl is-enabled ${DUMP_UNIT}.timer; systemctl is-active ${DUMP_UNIT}.timer; systemctl show -P NextElapseUSecRealtime ${DUMP_UNIT}.timer`;
      const [enabled, active, next = ""] = (await lab.stack.onMachine("vm1", asked)).split("\n");
      assert.deepEqual([enabled, active], ["enabled", "active"]);
      assert.match(next, /02:30:00 UTC$/);
      assert.match(await lab.status(0), /^last dump: /m);
    });

    it("is made now, and arrives on the second machine as it is", async () => {
      await lab.sql("CREATE TABLE dump_probe (at text); INSERT INTO dump_probe VALUES ('before')");
      await lab.sql("ALTER DATABASE app SET timezone TO 'Europe/Vienna'");
      const { code, output } = await lab.trivet("dump");
      assert.equal(code, 0, output);
      assert.match(output, /^vm1:\/var\/lib\/trivet\/dumps\/app-\d{8}T\d{6}Z\.dump, .*, copied\n$/);
      dump = await lab.newest();
      const path = `${DUMP_FOLDER}/${dump}`;
      const modes = await lab.stack.onMachine("vm1", `stat -c %a ${path} ${DUMP_FOLDER}`);
      assert.equal(modes, "600\n700");
      const sum = await lab.stack.onMachine("vm1", `sha256sum < ${path}`);
      assert.equal(await lab.stack.onMachine("vm2", `cd ${COPY_FOLDER}; sha256sum < ${dump}`), sum);
      assert.equal(await lab.stack.onMachine("vm2", `ls ${COPY_FOLDER}`), dump);
    });

    it("is restored: later rows are gone, and kept in the database as it was", async () => {
      await lab.sql("INSERT INTO dump_probe VALUES ('after')");
      const { code, output } = await lab.trivet("restore", dump, "--yes");
      assert.equal(code, 0, output);
      const kept = /kept as (app_before_\d{8}_\d{6})\./.exec(output)?.[1] ?? "";
      const rows = "SELECT at FROM dump_probe ORDER BY at";
      assert.equal(await lab.sql(rows), "before");
      assert.equal(await lab.sql(rows, kept), "after\nbefore");
      assert.equal(await lab.sql("SHOW timezone"), "Europe/Vienna");
      const owners =
        "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename = 'schema_migrations'";
      assert.equal(await lab.sql(owners), await lab.sql(owners, kept));
      await answersWithin(60, lab.outputs.urls[0] ?? "", lab.outputs);
      // As the operator was told.
      assert.equal((await lab.trivet("psql", "-c", `DROP DATABASE ${kept}`)).code, 0);
    });

    it("is not restored where it is broken, and nothing has changed", async () => {
      await lab.sql("INSERT INTO dump_probe VALUES ('kept')");
      const databases = "SELECT oid, datname FROM pg_database ORDER BY oid";
      const before = await lab.sql(databases);
      const cut = join(lab.folder, "cut short.dump");
      const encoded = await lab.stack.onMachine("vm1", `base64 ${DUMP_FOLDER}/${dump}`);
      writeFileSync(cut, Buffer.from(encoded, "base64"));
      // Within its table of contents, which stands at the start however much the dump holds.
      truncateSync(cut, 600);
      const short = join(lab.folder, "last bytes missing.dump");
      writeFileSync(short, Buffer.from(encoded, "base64"));
      truncateSync(short, statSync(short).size - 100);
      const huge = "app-20000101T000000Z.dump";
      await lab.stack.onMachine(
        "vm1",
        `cd ${DUMP_FOLDER}; cp ${dump} ${huge}; truncate -s 8T ${huge}`,
      );
      const sql = join(lab.folder, "dump.sql");
      writeFileSync(sql, "SELECT 1;\n");
      for (const [file, reason] of [
        ["cut short.dump", /the file is no dump that pg_restore can read .* app is as it was/],
        [short, /the dump cannot be restored .*: the database app is as it was/],
        [huge, /too little disk: .*: the database app is as it was/],
        [sql, /is no dump: it must come from pg_dump --format custom/],
        ["C:\\dumps\\it's.dump", /is neither a file here nor a dump on a machine/],
        ["", /is neither a file here nor a dump on a machine/],
      ] as const) {
        const { code, output } = await lab.trivet("restore", file, "--yes");
        assert.equal(code, 1, output);
        assert.match(output, reason);
      }
      await lab.stack.onMachine("vm1", `rm ${DUMP_FOLDER}/${huge}`);
      assert.match((await lab.trivet("restore", dump)).output, /without a terminal give --yes/);
      assert.equal(await lab.sql(databases), before);
      assert.equal(await lab.sql("SELECT count(*) FROM dump_probe"), "2");
      const left = await lab.stack.onMachine(
        "vm1",
        `ls -A ${DUMP_FOLDER} | grep -c restore || true`,
      );
      assert.equal(left, "0");
    });

    it("tells nobody a secret", async () => {
      const watch = `for turn in $(seq 100); do ps axww -o args; sleep 0.03; done & systemctl start ${DUMP_UNIT}; wait; journalctl --no-pager -o cat -u ${DUMP_UNIT}`;
      const seen = await lab.stack.onMachine("vm1", watch);
      assert.match(seen, /pg_dump/);
      assert.match(seen, /ssh -F none/);
      const secrets = [...(await lab.stack.secrets()), lab.privateKey().split("\n")[1] ?? ""];
      for (const secret of secrets.filter((text) => text.length > 12)) {
        assert.ok(!seen.includes(secret), "a secret shows in the process list or the journal");
      }
      const mode = await lab.stack.onMachine("vm1", "stat -c '%a %U' /etc/trivet/dump/key");
      assert.equal(mode, "400 root");
      assert.ok(!(await lab.stack.state()).includes(lab.privateKey().split("\n")[1] ?? "-"));
    });

    it("fails where the second machine shows another host key, and the status says so", async () => {
      await lab.copyTo("vm1");
      const dumped = await lab.trivet("dump");
      assert.equal(dumped.code, 1);
      assert.match(dumped.output, /FAILED on vm1: copy to keeper@.*: Host key verification failed/);
      const status = await lab.status(1);
      assert.match(status, /^last dump: .*, NOT COPIED, /m);
      assert.match(status, /^dumps: FAILED on vm1, \d+ min ago: copy to keeper@/m);
    });

    it("is well again once that is put right", async () => {
      await lab.copyTo("vm2");
      assert.equal((await lab.trivet("dump")).code, 0);
      assert.match(await lab.status(0), /, copied, app-/);
      await lab.sql("DROP TABLE dump_probe; ALTER DATABASE app RESET timezone");
    });

    it("takes the key away once dumps are not copied any more", async () => {
      lab.stack.configure(["trivet:dump"], {});
      await lab.stack.up();
      const left = await lab.stack.onMachine("vm1", "ls /etc/trivet/dump");
      assert.equal(left, "dump.sh");
      const { code, output } = await lab.stack.pulumi("preview", "--expect-no-changes", "--diff");
      assert.equal(code, 0, output);
    });
  });
}
