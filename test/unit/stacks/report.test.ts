import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseReport } from "../../../stacks/report";

const SCRIPT = join(__dirname, "..", "..", "..", "stacks", "probe.sh");
const now = () => Date.now() / 1000;

describe("what a machine tells of itself", () => {
  let root = "";
  const put = (path: string, text: string | Buffer, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { mode });
  };
  /** Docker as it is asked here: the folder of its data, what it says of its Swarm, whether it manages it, and who leaves. */
  const docker = (
    swarm: string,
    data = "/var/lib/docker",
    manages = "false",
    leaving = "",
    labelled = "n1",
  ) => {
    put("bin/systemctl", '#!/bin/sh\n[ "$*" = "is-active --quiet docker.service" ]\n', 0o755);
    const names = leaving
      .split(" ")
      .map((name) => `${name}\\n`)
      .join("");
    const nodes = `"node ls --quiet") printf 'n1\\nn2\\n' ;; "node ls --quiet --filter node.label=trivet.machine") printf '${labelled}' ;; "service ls --quiet --filter label=trivet.owner") printf 's1\\ns2\\n' ;; "node ls --quiet --filter node.label=trivet.leaving=true") echo n1 ;; "node inspect"*" n1") printf '${names}' ;;`;
    const info = `printf '%s\\n' '${data}' '${swarm}' '${manages}'`;
    put("bin/docker", `#!/bin/sh\ncase "$*" in ${nodes} *) ${info} ;; esac\n`, 0o755);
  };
  const control = (identifier: bigint, data = "/var/lib/docker") => {
    const bytes = Buffer.alloc(512);
    bytes.writeBigUInt64LE(identifier);
    put(`${data}/volumes/trivet-postgres/_data/main/global/pg_control`, bytes);
  };
  const report = () => {
    const started = now();
    const env = { ...process.env, PATH: `${join(root, "bin")}:${process.env.PATH ?? ""}` };
    const said = spawnSync("bash", [SCRIPT, root], { encoding: "utf8", env });
    assert.deepEqual([said.status, said.stderr], [0, ""]);
    return parseReport(said.stdout, started, now());
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "trivet-probe-"));
    put("bin/systemctl", "#!/bin/sh\nexit 3\n", 0o755);
    put("bin/docker", `#!/bin/sh\ntouch ${root}/asked\n`, 0o755);
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  it("is its clock, on a bare one, and a Docker that is not running is not asked", () => {
    const { clock, ...rest } = report();
    assert.deepEqual(rest, {});
    assert.ok(clock !== undefined && clock.least <= 0.001 && clock.most >= -0.001);
    assert.ok(clock.most - clock.least < 20);
    assert.equal(spawnSync("ls", [join(root, "asked")]).status, 2);
  });

  const SWARMS = [
    ["inactive -", { state: "inactive", managers: [] }],
    [
      "active abc123 10.0.0.1:2377 10.0.0.2:2377",
      { state: "active", id: "abc123", managers: ["10.0.0.1", "10.0.0.2"] },
    ],
    ["active - 10.0.0.1:2377", { state: "active", managers: ["10.0.0.1"] }],
    ["locked -", { state: "locked", managers: [] }],
  ] as const;
  for (const [said, expected] of SWARMS) {
    it(`is its Swarm: ${said}`, () => {
      docker(said);
      assert.deepEqual(report().swarm, { ...expected, isManager: false });
    });
  }

  it("is its place in that Swarm, and who was sent away from there if it manages it", () => {
    const swarm = { state: "active", managers: ["10.0.0.1"] };
    const told = (manages: string, leaving = "", labelled = "n1") => {
      docker("active - 10.0.0.1:2377", "/var/lib/docker", manages, leaving, labelled);
      return report().swarm;
    };
    assert.deepEqual(told("false", "vm2"), { ...swarm, isManager: false });
    const nodes = ["n1", "n2"];
    const known = { ...swarm, isManager: true, nodes, owned: 2, leaving: [] };
    assert.deepEqual(told("true"), { ...known, isPlatforms: true });
    assert.deepEqual(told("true", "", ""), { ...known, isPlatforms: false });
    assert.deepEqual(told("true", "vm2 vm3")?.leaving, ["vm2", "vm3"]);
  });

  it("is the Swarm and the node that its certificate names, also where Docker tells neither", () => {
    const [swarm, node] = ["4jz25uxe7jx68qwfzoiik3vtj", "kyuwco9yy81mw0q18zj7vwshp"];
    // What stands around the names in a certificate, and the authority's behind it.
    const subject = `\x30\x82swarm-ca\x13\x19${swarm}\x13\rswarm-manager\x13\x19${node}\x82${node}`;
    const pem = (text: string) =>
      `-----BEGIN CERTIFICATE-----\n${Buffer.from(text, "latin1").toString("base64")}\n-----END CERTIFICATE-----\n`;
    const path = "var/lib/docker/swarm/certificates/swarm-node.crt";
    put(path, pem(subject) + pem("abcdefghijklmnopqrstuvwxy"), 0o600);
    docker("error -");
    const told = { id: swarm, node, managers: [], isManager: false };
    assert.deepEqual(report().swarm, { state: "error", ...told });
    docker("active abc123 10.0.0.1:2377");
    assert.deepEqual([report().swarm?.id, report().swarm?.node], ["abc123", node]);
    put(path, "no certificate\n");
    assert.deepEqual([report().swarm?.id, report().swarm?.node], ["abc123", undefined]);
  });

  it("is the identifier of its Postgres cluster, where Docker keeps volumes", () => {
    control(7_710_665_859_597_852_696n);
    assert.equal(report().postgres, "7710665859597852696");
    assert.equal(report().standby, undefined);
    put("var/lib/docker/volumes/trivet-postgres/_data/main/standby.signal", "");
    assert.equal(report().standby, true);
    docker("inactive -", "/data/docker");
    assert.equal(report().postgres, undefined);
    control(18_446_744_073_709_551_615n, "/data/docker");
    assert.equal(report().postgres, "18446744073709551615");
  });

  it("has no Swarm where Docker fails or gives no answer in time", () => {
    docker("inactive -");
    put("bin/docker", "#!/bin/sh\nexec sleep 10\n", 0o755);
    assert.equal(report().swarm, undefined);
    put("bin/docker", "#!/bin/sh\nexit 1\n", 0o755);
    assert.equal(report().swarm, undefined);
  });

  it("is not what a login shell prints, nor an empty file", () => {
    const noise =
      "Welcome!\ntrivet: hello\ntrivet-began soon\r\ntrivet-postgres 0\ntrivet-swarm \n";
    assert.deepEqual(parseReport(noise, 0, 1), {});
    assert.deepEqual(parseReport("", 0, 1), {});
  });
});

describe("a machine's clock", () => {
  const clock = (began: number, ended: number) =>
    parseReport(`trivet-began ${began}\ntrivet-ended ${ended}\n`, 1000, 1003).clock;

  it("is right whatever the login takes", () => {
    assert.deepEqual(clock(1002.5, 1002.75), { least: -0.25, most: 2.5 });
  });
  it("is ahead or behind by no less than that", () => {
    assert.deepEqual(clock(1012.5, 1012.75), { least: 9.75, most: 12.5 });
    assert.deepEqual(clock(992.5, 992.75), { least: -10.25, most: -7.5 });
  });
  it("counts both where it was set meanwhile", () => {
    assert.deepEqual(clock(902.5, 1002.75), { least: -97.5, most: -0.25 });
  });
  it("is unknown where one look at it is missing", () => {
    assert.equal(parseReport("trivet-began 1.5\n", 0, 1).clock, undefined);
  });
});
