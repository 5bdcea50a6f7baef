import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderValkeyConfig } from "../../../components/cache/valkey-files";
import { readScript, renderInput } from "../../../components/core/remote-script";

const CACHE = join(__dirname, "..", "..", "..", "components", "cache");
const [VM1, VM2, VM3] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;

/** Has one container, whose programs are the test's. */
const DOCKER = `#!/bin/bash
case $1 in
  ps) [ -e "$FOLDER/no-container" ] || echo 4711 ;;
  exec) exec "\${@:4}" ;;
esac
`;
/** Answers what lies in a file of the address and port, and notes what is set. */
const CLI = `#!/bin/bash
if [ "$1" = -e ]; then echo "$3 \${*:6} $REDISCLI_AUTH" >> "$FOLDER/set"; exit; fi
cat "$FOLDER/$2:$4" 2>/dev/null || exit 1
`;

describe("settle.sh", () => {
  let folder = "";
  const at = (name: string) => join(folder, name);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-settle-"));
    mkdirSync(at("bin"));
    for (const [name, text] of Object.entries({ docker: DOCKER, "valkey-cli": CLI })) {
      writeFileSync(at(`bin/${name}`), text);
      chmodSync(at(`bin/${name}`), 0o755);
    }
    const config = { address: VM1, password: "Secret0815", memoryMiB: 16, replicas: 2 };
    writeFileSync(at("valkey.conf"), renderValkeyConfig(config));
    writeFileSync(at("set"), "");
    for (const address of [VM1, VM2, VM3]) sentinel(address, VM1, 2, 2);
    server(VM1, "master", 2);
    server(VM2, "slave", 0);
    server(VM3, "slave", 0);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function server(address: string, role: "master" | "slave", online: number): void {
    const replicas = Array.from(
      { length: online },
      (_, i) => `slave${i}:ip=10.0.0.${i + 2},port=6379,state=online,offset=1,lag=0,type=replica`,
    );
    writeFileSync(at(`${address}:6379`), [`role:${role}`, ...replicas, ""].join("\r\n"));
  }
  function sentinel(address: string, primary: string, replicas: number, others: number): void {
    const fields = ["ip", primary, "num-slaves", replicas, "num-other-sentinels", others, ""];
    writeFileSync(at(`${address}:26379`), fields.join("\n"));
  }
  function run(...addresses: string[]): { status: number | null; said: string; set: string[] } {
    const script = readScript(CACHE, "settle.sh").replaceAll("/etc/trivet", folder);
    const { status, stderr } = spawnSync("bash", ["-s"], {
      input: renderInput(script, ["valkey-vm1", "0", ...addresses]),
      encoding: "utf8",
      env: { PATH: `${at("bin")}:/usr/bin:/bin`, FOLDER: folder },
    });
    const set = readFileSync(at("set"), "utf8").split("\n").slice(0, -1);
    return { status, said: stderr.split("\n")[0] ?? "", set };
  }

  it("has writes wait for a replica on every server, once all replicate", () => {
    assert.deepEqual(run(VM1, VM2, VM3), {
      status: 0,
      said: "",
      set: [VM1, VM2, VM3].flatMap((address) => [
        `${address} min-replicas-max-lag 5 Secret0815`,
        `${address} min-replicas-to-write 1 Secret0815`,
      ]),
    });
  });

  it("is content with those that can be reached, and with no fewer than two", () => {
    server(VM1, "master", 1);
    assert.equal(run(VM1, VM2).status, 0);
    assert.equal(run(VM1).status, 0);
    server(VM1, "master", 0);
    assert.equal(run(VM1).said, "Valkey: 0 of 1 servers replicate 10.0.0.1");
  });

  const faults: Record<string, () => void> = {
    "10.0.0.2 does not answer": () => {
      rmSync(at(`${VM2}:6379`));
    },
    "no server is primary": () => {
      server(VM1, "slave", 0);
    },
    "10.0.0.1 and 10.0.0.3 both are primary": () => {
      server(VM3, "master", 0);
    },
    "1 of 2 servers replicate 10.0.0.1": () => {
      server(VM1, "master", 1);
    },
    "the Sentinel of 10.0.0.2 takes '10.0.0.3' for the primary, not 10.0.0.1": () => {
      sentinel(VM2, VM3, 2, 2);
    },
    "the Sentinel of 10.0.0.3 knows 1 of 2 replicas": () => {
      sentinel(VM3, VM1, 1, 2);
    },
    "the Sentinel of 10.0.0.1 knows 0 of 2 others": () => {
      sentinel(VM1, VM1, 2, 0);
    },
    "the Sentinel of 10.0.0.1 does not answer": () => {
      rmSync(at(`${VM1}:26379`));
    },
  };
  for (const [fault, make] of Object.entries(faults)) {
    it(`changes nothing and says so where ${fault}`, () => {
      make();
      assert.deepEqual(run(VM1, VM2, VM3), { status: 1, said: `Valkey: ${fault}`, set: [] });
    });
  }

  it("says where there is no container to ask from", () => {
    writeFileSync(at("no-container"), "");
    assert.match(run(VM1, VM2, VM3).said, /^service valkey-vm1 has no running container on /);
  });
});
