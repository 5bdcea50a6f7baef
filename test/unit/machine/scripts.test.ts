import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { OLDEST_DOCKER, renderRefused } from "../../../components/machine/docker-engine";
import { parseFacts } from "../../../components/machine/machine-facts";
import { machineScript } from "../../../components/machine/shared";

function run(script: string, args: readonly string[], path = process.env.PATH) {
  const words = ["-euo", "pipefail", "-c", script, "trivet", ...args];
  const env = { ...process.env, PATH: path };
  const { status, stdout, stderr } = spawnSync("bash", words, { encoding: "utf8", env });
  return { status, stdout, stderr: stderr.trim() };
}

describe("facts.sh", () => {
  let root = "";
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "trivet-facts-"));
    put("etc/os-release", 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="13"');
    put("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB");
    mkdirSync(join(root, "run/systemd/system"), { recursive: true });
    mkdirSync(join(root, "var/lib"), { recursive: true });
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });
  const probe = (memory = "256", disk = "1") =>
    run(machineScript("facts.sh"), ["vm1", memory, disk, "", "", root]);
  const facts = () => {
    const { status, stdout, stderr } = probe();
    assert.equal(status, 0, stderr);
    return parseFacts("vm1", stdout);
  };

  it("prints what the component reads", () => {
    const { os, memoryMiB, cores } = facts();
    assert.deepEqual({ os, memoryMiB }, { os: { id: "debian", versionId: "13" }, memoryMiB: 8192 });
    assert.ok(cores >= 1);
  });

  const MEMORY: readonly [string, string, string, number][] = [
    ["a limit of version 2", "memory.max", "2147483648", 2048],
    ["no limit of version 2", "memory.max", "max", 8192],
    ["a limit of version 1", "memory/memory.limit_in_bytes", "1073741824", 1024],
    ["no limit of version 1", "memory/memory.limit_in_bytes", "9223372036854771712", 8192],
    ["a limit over the hardware", "memory.max", "99999999999999", 8192],
  ];
  for (const [name, file, text, expected] of MEMORY) {
    it(`memory with ${name}`, () => {
      put(`sys/fs/cgroup/${file}`, text);
      assert.equal(facts().memoryMiB, expected);
    });
  }

  it("cores with a quota of version 2, rounded and at least one", () => {
    put("sys/fs/cgroup/cpu.max", "20000 100000");
    assert.equal(facts().cores, 1);
  });
  it("cores with a quota of version 1", () => {
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000");
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
    assert.equal(facts().cores, 1);
  });
  for (const [file, text] of [
    ["cpu.max", "max 100000"],
    ["cpu/cpu.cfs_quota_us", "-1"],
  ] as const) {
    it(`cores without a quota: ${text}`, () => {
      const before = facts().cores;
      put(`sys/fs/cgroup/${file}`, text);
      assert.equal(facts().cores, before);
    });
  }

  const SUPPORTED = "use Debian 12 or newer, or Ubuntu 22.04 or newer";
  const REFUSED: readonly [string, string][] = [
    ["ID=debian\nVERSION_ID=11", `runs debian 11, which is too old: ${SUPPORTED}`],
    ["ID=ubuntu\nVERSION_ID=20.04", `runs ubuntu 20.04, which is too old: ${SUPPORTED}`],
    ["ID=fedora\nVERSION_ID=41", `runs fedora 41, which is not supported: ${SUPPORTED}`],
    [
      "ID=debian",
      `runs debian without a version number (testing or unstable), which is not supported: ${SUPPORTED}`,
    ],
  ];
  for (const [release, reason] of REFUSED) {
    it(`refuses ${release.replace("\n", " ")}`, () => {
      put("etc/os-release", release);
      assert.deepEqual(probe(), { status: 1, stdout: "", stderr: `vm1: ${reason}` });
    });
  }
  for (const release of ["ID=debian\nVERSION_ID=12", "ID=ubuntu\nVERSION_ID='22.04'"]) {
    it(`takes ${release.replace("\n", " ")}`, () => {
      put("etc/os-release", release);
      assert.equal(probe().status, 0);
    });
  }

  it("refuses too little memory, too little disk and a machine without systemd", () => {
    const memory = "vm1: has 8192 MiB of memory, needs 9000: use a larger machine";
    assert.equal(probe("9000").stderr, memory);
    assert.match(
      probe("256", "99999999999").stderr,
      /^vm1: has \d+ MiB free at \/var\/lib, needs /,
    );
    rmSync(join(root, "run"), { recursive: true });
    assert.match(probe().stderr, /^vm1: is not run by systemd/);
  });

  describe("with a private address", () => {
    const looksFor = (address: string) => {
      put("bin/ip", `#!/bin/sh\n[ "$*" = "-o -4 addr show" ] && cat ${root}/interfaces`);
      chmodSync(join(root, "bin/ip"), 0o755);
      const path = `${join(root, "bin")}:${process.env.PATH ?? ""}`;
      return run(machineScript("facts.sh"), ["vm1", "256", "1", address, "", root], path);
    };
    const missing = (address: string, found: string) => ({
      status: 1,
      stdout: "",
      stderr: `vm1: no interface has the private address ${address} (found: ${found}): set privateAddress to the one that the other machines reach`,
    });
    const LO = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever";
    const ETH0 = "2: eth0    inet 10.0.0.12/24 brd 10.0.0.255 scope global eth0\\       valid_lft";
    const TUNNEL = "3: wg0    inet 10.9.0.1 peer 10.9.0.2/32 scope global wg0\\       valid_lft";

    const DOCKER = "4: docker0    inet 172.17.0.1/16 scope global docker0\\       valid_lft";

    it("takes one of any interface", () => {
      put("interfaces", [LO, ETH0, TUNNEL, DOCKER].join("\n"));
      for (const address of ["10.0.0.12", "10.9.0.1"]) {
        const { status, stderr } = looksFor(address);
        assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
      }
    });
    it("refuses one that no interface has, and names those that there are", () => {
      put("interfaces", [LO, ETH0, TUNNEL, DOCKER].join("\n"));
      for (const address of ["203.0.113.1", "10.0.0.1", "10.0.0.2", "10.0.0.255", "10x0.0.12"]) {
        assert.deepEqual(looksFor(address), missing(address, "10.0.0.12, 10.9.0.1"));
      }
    });
    it("refuses any on a machine without a network", () => {
      put("interfaces", [LO, DOCKER].join("\n"));
      assert.deepEqual(looksFor("10.0.0.1"), missing("10.0.0.1", "none"));
    });
  });
});

describe("version.sh", () => {
  const judge = (version: string) => {
    const call = `export MACHINE=vm1\nrefuse_version "$1" "$2" "$3"`;
    const script = `${machineScript("version.sh")}\n${call}`;
    const { status, stderr } = run(script, [version, OLDEST_DOCKER, renderRefused()]);
    return status === 0 ? "taken" : stderr;
  };
  for (const good of ["25.0.0", "26.1.5+dfsg1", "28.1.1", "28.3.3", "28.5.2", "29.7.3", "30.0"]) {
    it(`takes ${good}`, () => {
      assert.equal(judge(good), "taken");
    });
  }
  const instead = "install 28.5, or 26.1.5 from Debian 13";
  const BAD: readonly [string, string][] = [
    ["24.0.7", "Docker 24.0.7 is too old: remove it, or upgrade it to 25.0.0 or newer"],
    [
      "20.10.24+dfsg1",
      "Docker 20.10.24+dfsg1 is too old: remove it, or upgrade it to 25.0.0 or newer",
    ],
    ["", "Docker's version '' is not understood: install 28.5"],
    [
      "28.2.2",
      `Docker 28.2.2 is refused: its service names do not resolve in Swarm (moby#50129); ${instead}`,
    ],
    [
      "29.1.0",
      `Docker 29.1.0 is refused: its DNS server for containers fails (moby#51614); ${instead}`,
    ],
    [
      "29.7.2",
      `Docker 29.7.2 is refused: names stay unknown after a short disconnect (moby#53141); ${instead}`,
    ],
  ];
  for (const [version, reason] of BAD) {
    it(`refuses ${JSON.stringify(version)}`, () => {
      assert.equal(judge(version), `vm1: ${reason}`);
    });
  }
});
