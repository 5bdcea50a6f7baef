import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderMembers, renderValkeyConfig } from "../../../components/cache/valkey-files";
import { renderSentinelConfig } from "../../../components/cache/valkey-sentinel-files";

const CACHE = join(__dirname, "..", "..", "..", "components", "cache");
const [VM1, VM2, VM3] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;
const PASSWORD = "Secret0815";

/** Answers what lies in a file of the address and port; notes whom it was asked for, and the password. */
const CLI = `#!/bin/bash
echo "$2:$4 $REDISCLI_AUTH" >> "$FOLDER/asked"
cat "$FOLDER/answers/$2:$4" 2>/dev/null || { echo "Could not connect" >&2; exit 1; }
`;
const SERVER = `#!/bin/bash
printf '%s' "$*" > "$FOLDER/started"
`;

interface World {
  own?: string;
  members?: readonly string[];
  /** Whom the Sentinel of an address names, and the number of that decision. */
  sentinels?: Readonly<Record<string, readonly [primary: string, epoch: number]>>;
  /** Role and replicas of the server of an address. */
  servers?: Readonly<Record<string, readonly [role: "master" | "slave", replicas: number]>>;
  /** The copy of the configuration that an earlier run left. */
  copy?: string;
  /** The folder holds data, written before there was a copy. */
  data?: boolean;
}

describe("a start of Valkey", () => {
  let folder = "";
  const at = (...path: string[]) => join(folder, ...path);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-valkey-"));
    for (const name of ["bin", "etc", "data", "answers"]) mkdirSync(at(name));
    for (const [name, text] of Object.entries({ "valkey-cli": CLI, "valkey-server": SERVER })) {
      writeFileSync(at("bin", name), text);
      chmodSync(at("bin", name), 0o755);
    }
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function run(kind: "valkey" | "sentinel", world: World): { said: string; conf: string } {
    const { own = VM2, members = [VM1, VM2, VM3], sentinels = {}, servers = {} } = world;
    const copy = at("data", `${kind}.conf`);
    for (const name of ["data", "answers"]) {
      rmSync(at(name), { recursive: true });
      mkdirSync(at(name));
    }
    writeFileSync(at("etc", "members"), renderMembers(own, members));
    writeFileSync(at("etc", `${kind}.conf`), given(kind, own, members));
    if (world.copy !== undefined) writeFileSync(copy, world.copy);
    if (world.data === true) mkdirSync(at("data", "appendonlydir"));
    for (const [address, [primary, epoch]] of Object.entries(sentinels)) {
      const answer = ["name", "trivet", "ip", primary, "port", "6379", "config-epoch", epoch];
      writeFileSync(at("answers", `${address}:26379`), `${answer.join("\n")}\n`);
    }
    for (const [address, [role, replicas]] of Object.entries(servers)) {
      const answer = ["# Replication", `role:${role}`, `connected_slaves:${replicas}`, ""];
      writeFileSync(at("answers", `${address}:6379`), answer.join("\r\n"));
    }
    const script = ["primary.sh", kind === "valkey" ? "start.sh" : "start-sentinel.sh"]
      .map((file) => readFileSync(join(CACHE, file), "utf8"))
      .join("\n")
      .replaceAll("/etc/trivet", at("etc"))
      .replaceAll("/var/lib/valkey-data", at("data"));
    const { status, stdout, stderr } = spawnSync("bash", ["-s"], {
      input: script,
      encoding: "utf8",
      env: { PATH: `${at("bin")}:/usr/bin:/bin`, FOLDER: folder },
    });
    assert.deepEqual([status, stderr], [0, ""]);
    const options = kind === "valkey" ? "" : " --sentinel";
    assert.equal(readFileSync(at("started"), "utf8"), `${copy}${options}`);
    assert.equal(statSync(copy).mode & 0o777, 0o600);
    assert.ok(!existsSync(`${copy}.new`));
    return { said: stdout, conf: readFileSync(copy, "utf8") };
  }
  const given = (kind: "valkey" | "sentinel", address: string, members: readonly string[]) =>
    kind === "valkey"
      ? renderValkeyConfig({ address, password: PASSWORD, memoryMiB: 128, replicas: 2 })
      : renderSentinelConfig({ service: "s", address, password: PASSWORD, members });
  const asked = () =>
    existsSync(at("asked")) ? readFileSync(at("asked"), "utf8").trimEnd().split("\n") : [];

  describe("server", () => {
    /** The address that it starts to replicate; its own as the primary. */
    const follows = (world: World) => {
      const own = world.own ?? VM2;
      const { conf, said } = run("valkey", world);
      const settings = given("valkey", own, []);
      assert.ok(conf.startsWith(settings), "the given settings are all there");
      const primary = /^replicaof (\S+) 6379\n$/.exec(conf.slice(settings.length))?.[1];
      if (primary === undefined) assert.equal(conf, settings);
      assert.equal(said, `start.sh: ${own} starts with ${primary ?? own} as primary\n`);
      return primary ?? own;
    };
    const remembers = (primary?: string) =>
      `maxmemory 1mb\n${primary === undefined ? "" : `replicaof ${primary} 6379\n`}`;

    it("follows whom the Sentinels name, whatever it was", () => {
      for (const copy of [remembers(), remembers(VM1)]) {
        assert.equal(follows({ copy, sentinels: { [VM1]: [VM3, 4], [VM3]: [VM3, 4] } }), VM3);
      }
      assert.ok(asked().includes(`${VM3}:26379 ${PASSWORD}`));
    });

    it("takes the later of two decisions", () => {
      assert.equal(follows({ sentinels: { [VM1]: [VM1, 9], [VM3]: [VM3, 10] } }), VM3);
    });

    it("is primary where they name it", () => {
      assert.equal(follows({ copy: remembers(VM1), sentinels: { [VM1]: [VM2, 1] } }), VM2);
      assert.equal(follows({ own: VM1, data: true, sentinels: { [VM1]: [VM1, 0] } }), VM1);
    });

    it("is not when it has lost its data: the others would copy that", () => {
      assert.equal(follows({ own: VM1, sentinels: { [VM2]: [VM1, 1], [VM3]: [VM1, 1] } }), VM3);
    });

    it("goes on as what it was where no Sentinel answers", () => {
      assert.equal(follows({ copy: remembers(VM3), servers: { [VM1]: ["master", 0] } }), VM3);
      assert.equal(follows({ copy: remembers() }), VM2);
      assert.equal(follows({ own: VM1, copy: remembers(VM2) }), VM2);
    });

    it("forgets a machine that is gone", () => {
      assert.equal(follows({ copy: remembers("10.0.0.9") }), VM1);
      assert.equal(follows({ sentinels: { [VM1]: ["10.0.0.9", 7], [VM3]: [VM3, 1] } }), VM3);
    });

    it("follows a primary that runs when it is new, the one with most replicas", () => {
      assert.equal(follows({ own: VM1, servers: { [VM2]: ["master", 0] } }), VM2);
      const servers = { [VM1]: ["master", 0], [VM3]: ["master", 1] } as const;
      assert.equal(follows({ servers }), VM3);
      assert.equal(follows({ servers: { [VM3]: ["slave", 1] } }), VM1);
    });

    it("leaves that to the first machine at the very first start", () => {
      assert.equal(follows({ own: VM1 }), VM1);
      assert.equal(follows({ own: VM3 }), VM1);
      assert.equal(follows({ own: VM1, data: true }), VM1);
    });

    it("asks no other where it is alone", () => {
      assert.equal(follows({ own: VM1, members: [VM1], copy: remembers(VM2) }), VM1);
      assert.deepEqual(asked(), [`${VM1}:6379 ${PASSWORD}`]);
    });
  });

  describe("Sentinel", () => {
    const watches = (world: World) =>
      /^sentinel monitor trivet (\S+) 6379 2$/m.exec(run("sentinel", world).conf)?.[1];

    it("watches what it watched, and knows what it knew of machines that are there", () => {
      const knew = [
        "sentinel config-epoch trivet 4",
        "sentinel leader-epoch trivet 5",
        "sentinel current-epoch 5",
        `sentinel known-replica trivet ${VM1} 6379`,
        `sentinel known-sentinel trivet ${VM3} 26379 0123456789abcdef0123456789abcdef01234567`,
      ];
      const copy = [
        "port 1",
        'dir "/tmp"',
        "sentinel myid 89abcdef0123456789abcdef0123456789abcdef",
        `sentinel monitor trivet ${VM3} 6379 9`,
        "sentinel down-after-milliseconds trivet 99",
        "user default on sanitize-payload #30c9 ~* &* +@all",
        ...knew,
        "sentinel known-replica trivet 10.0.0.9 6379",
        "sentinel known-sentinel trivet 10.0.0.9 26379 fedcba9876543210fedcba9876543210fedcba98",
        "",
      ].join("\n");
      const settings = given("sentinel", VM2, [VM1, VM2, VM3]);
      assert.equal(
        run("sentinel", { copy, sentinels: { [VM1]: [VM1, 9] } }).conf,
        `${settings.replace(`trivet ${VM1} 6379`, `trivet ${VM3} 6379`)}${knew.join("\n")}\n`,
      );
    });

    it("asks the others at its first start, then the servers", () => {
      const servers = { [VM1]: ["master", 0] } as const;
      assert.equal(watches({ sentinels: { [VM1]: [VM3, 2] }, servers }), VM3);
      assert.equal(watches({ own: VM3, servers: { [VM2]: ["master", 0] } }), VM2);
      // The machine that was alone before others came, one of them in front of it.
      assert.equal(watches({ own: VM2, servers: { [VM2]: ["master", 2] } }), VM2);
    });

    it("takes the first machine where nobody answers, or where its own is gone", () => {
      assert.equal(watches({}), VM1);
      assert.equal(watches({ copy: "sentinel monitor trivet 10.0.0.9 6379 2\n" }), VM1);
    });
  });
});
