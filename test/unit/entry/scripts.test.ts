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
import { dirname, join } from "node:path";
import { renderInput } from "../../../components/core/remote-script";
import {
  KEEPALIVED_SCRIPT,
  KEEPALIVED_UNDO,
  MARK,
} from "../../../components/entry/keepalived-files";

/** A machine in a folder, whose programs note how they are called. */
class Machine {
  readonly root = mkdtempSync(join(tmpdir(), "trivet-entry-"));
  readonly conf = join(this.root, "etc/keepalived/keepalived.conf");
  readonly check = join(this.root, "etc/trivet/entry/check.sh");
  readonly dropIn = join(this.root, "etc/systemd/system/keepalived.service.d/50-trivet.conf");

  constructor() {
    mkdirSync(dirname(this.conf), { recursive: true });
    this.put(
      "interfaces",
      [
        "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever",
        "2: eth0    inet 203.0.113.12/24 brd 203.0.113.255 scope global eth0\\       valid_lft",
        "3: eth1    inet 10.0.0.12/24 brd 10.0.0.255 scope global eth1\\       valid_lft",
        "4: eth1    inet 10.0.0.100/32 scope global eth1\\       valid_lft",
      ].join("\n"),
    );
    this.program(
      "ip",
      `case "$*" in "-o -4 addr show") cat ${this.root}/interfaces ;; "link show dev eth0" | "link show dev eth1") ;; *) exit 1 ;; esac`,
    );
    this.program(
      "keepalived",
      `if grep -q broken "$3"; then echo "(Line 3) Unknown keyword 'broken'" >&2; exit 5; fi`,
    );
    this.program("curl", "");
    this.program("sleep", "");
    this.program(
      "systemctl",
      `case "$*" in "is-active --quiet keepalived") exit "$(cat ${this.root}/active)" ;; esac`,
    );
    this.put("active", "3");
  }

  put(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), `${text}\n`);
  }

  program(name: string, body: string): void {
    this.put(`bin/${name}`, `#!/bin/bash\necho "${name} $*" >> ${this.root}/calls\n${body}`);
    chmodSync(join(this.root, "bin", name), 0o755);
  }

  /** What was called, without looks. */
  calls(): string[] {
    if (!existsSync(join(this.root, "calls"))) return [];
    const lines = readFileSync(join(this.root, "calls"), "utf8").trim().split("\n");
    return lines.filter((line) => !/^(ip|sleep) |^systemctl is-/.test(line));
  }

  run(given: { own?: string; device?: string; check?: string; conf?: string } = {}) {
    const {
      own = "10.0.0.12",
      device = "",
      check = "exit 0",
      conf = "own @OWN_INTERFACE@ address @ADDRESS_INTERFACE@",
    } = given;
    rmSync(join(this.root, "calls"), { force: true });
    const lines = [`#!/bin/sh\n${check}`, `${MARK}\n${conf}`];
    const data = lines.map((text) => `${Buffer.from(text).toString("base64")}\n`).join("");
    const script = KEEPALIVED_SCRIPT.replaceAll("=/etc/keepalived", `=${this.root}/etc/keepalived`)
      .replaceAll("/etc/systemd", `${this.root}/etc/systemd`)
      .replace("SECONDS + 10", "SECONDS + 1");
    const words = ["vm2", own, device, "example.org", this.check, MARK];
    const { status, stdout, stderr } = spawnSync("bash", ["-s"], {
      input: renderInput(script, words, data),
      encoding: "utf8",
      env: { ...process.env, PATH: `${this.root}/bin:${process.env.PATH ?? ""}` },
    });
    return { status, stdout: stdout.trim(), stderr: stderr.trim() };
  }
}

describe("the end of an address", () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
  });
  afterEach(() => {
    rmSync(machine.root, { recursive: true });
  });

  function undo() {
    rmSync(join(machine.root, "calls"), { force: true });
    const line = KEEPALIVED_UNDO.replace("=/etc/keepalived", `=${machine.root}/etc/keepalived`);
    const { status, stdout, stderr } = spawnSync("bash", ["-euc", line], {
      encoding: "utf8",
      env: { ...process.env, PATH: `${machine.root}/bin:${process.env.PATH ?? ""}` },
    });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "", stderr: "" });
    return machine.calls();
  }

  it("stops keepalived for good, once", () => {
    machine.run();
    assert.deepEqual(undo(), ["systemctl disable --quiet --now keepalived"]);
    assert.equal(existsSync(machine.conf), false);
    assert.deepEqual(undo(), []);
  });

  it("leaves one alone that somebody else has set up", () => {
    machine.run();
    writeFileSync(machine.conf, "vrrp_instance own {}\n");
    assert.deepEqual(undo(), []);
    assert.equal(existsSync(machine.conf), true);
  });
});

describe("keepalived.sh", () => {
  let machine: Machine;
  beforeEach(() => {
    machine = new Machine();
  });
  afterEach(() => {
    rmSync(machine.root, { recursive: true });
  });
  const DONE = { status: 0, stdout: "answers", stderr: "" };
  const conf = () => readFileSync(machine.conf, "utf8");

  it("writes what is needed, root's alone where it holds the password, and starts keepalived", () => {
    assert.deepEqual(machine.run(), DONE);
    assert.equal(conf(), `${MARK}\nown eth1 address eth1\n`);
    assert.equal(statSync(machine.conf).mode & 0o777, 0o600);
    assert.equal(readFileSync(machine.check, "utf8"), "#!/bin/sh\nexit 0\n");
    assert.equal(statSync(machine.check).mode & 0o777, 0o755);
    assert.equal(
      readFileSync(machine.dropIn, "utf8"),
      "[Service]\nRestart=on-failure\nRestartSec=1\n",
    );
    assert.deepEqual(machine.calls(), [
      "systemctl daemon-reload",
      `keepalived --config-test --use-file ${machine.conf}.new`,
      "systemctl reset-failed keepalived",
      "systemctl start keepalived",
    ]);
  });

  it("reloads keepalived where it runs, also without a change", () => {
    machine.put("active", "0");
    assert.deepEqual(machine.run(), DONE);
    for (let i = 0; i < 2; i += 1) {
      assert.deepEqual(machine.run(), DONE);
      assert.deepEqual(machine.calls(), [
        `keepalived --config-test --use-file ${machine.conf}.new`,
        "systemctl reload keepalived",
      ]);
    }
  });

  it("enables what is not enabled", () => {
    machine.program("systemctl", `case "$*" in "is-enabled --quiet keepalived") exit 1 ;; esac`);
    assert.deepEqual(machine.run(), DONE);
    assert.ok(machine.calls().includes("systemctl enable --quiet keepalived"));
  });

  it("gives the address to another interface, if that is wanted", () => {
    assert.deepEqual(machine.run({ device: "eth0" }), DONE);
    assert.equal(conf(), `${MARK}\nown eth1 address eth0\n`);
  });

  it("refuses an interface or a private address that is not there, and changes nothing", () => {
    assert.deepEqual(machine.run({ device: "eth7" }), {
      status: 1,
      stdout: "",
      stderr:
        "vm2: has no interface eth7 (with an IPv4 address: eth0, eth1, lo): set interface to the one that the address belongs on",
    });
    assert.deepEqual(machine.run({ own: "10.0.0.1" }), {
      status: 1,
      stdout: "",
      stderr:
        "vm2: no interface has the private address 10.0.0.1: set privateAddress to the one that the other machines reach",
    });
    assert.deepEqual([existsSync(machine.conf), existsSync(machine.check)], [false, false]);
  });

  it("refuses to write over somebody else's configuration", () => {
    machine.put("etc/keepalived/keepalived.conf", "vrrp_instance mine {\n}");
    assert.deepEqual(machine.run(), {
      status: 1,
      stdout: "",
      stderr: `vm2: ${machine.conf} was not written by Trivet: move it away if keepalived is used for nothing else there`,
    });
    assert.equal(conf(), "vrrp_instance mine {\n}\n");
    assert.deepEqual(machine.calls(), []);
  });

  it("keeps the configuration before when keepalived refuses the new one", () => {
    machine.run();
    machine.put("active", "0");
    assert.deepEqual(machine.run({ conf: "broken" }), {
      status: 1,
      stdout: "",
      stderr:
        "vm2: keepalived refuses its configuration, the one before stays: (Line 3) Unknown keyword 'broken'",
    });
    assert.equal(conf(), `${MARK}\nown eth1 address eth1\n`);
    assert.equal(existsSync(`${machine.conf}.new`), false);
    assert.ok(!machine.calls().includes("systemctl reload keepalived"));
  });

  it("says when keepalived does not start", () => {
    machine.program("systemctl", `case "$*" in is-active*|start*) exit 1 ;; esac`);
    assert.equal(
      machine.run().stderr,
      "vm2: keepalived does not start: see journalctl -u keepalived",
    );
  });

  it("says when nginx does not answer, and goes on", () => {
    assert.deepEqual(machine.run({ check: "exit 1" }), { ...DONE, stdout: "silent" });
  });
});

describe("check.sh", () => {
  const CHECK = join(__dirname, "../../../components/entry/check.sh");
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-check-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const ask = (body: string) => {
    if (body !== "") {
      writeFileSync(
        join(folder, "curl"),
        `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder}/words\n${body}\n`,
      );
      chmodSync(join(folder, "curl"), 0o755);
    }
    const options = { env: { PATH: folder } };
    return spawnSync("/bin/sh", [CHECK, "10.0.0.12", "example.org"], options).status;
  };

  for (const code of [204, 308, 200, 404]) {
    it(`takes ${code} for an answer`, () => {
      assert.equal(ask(`printf ${code}`), 0);
    });
  }
  it("takes nginx that is about to end for none", () => {
    assert.equal(ask("printf 503"), 1);
  });
  it("takes no connection, and one that is closed without a word, for none", () => {
    assert.equal(ask("printf 000; exit 7"), 1);
    assert.equal(ask("printf 000; exit 52"), 1);
    assert.equal(ask("exit 2"), 1);
  });
  it("takes a machine for good that cannot be asked", () => {
    assert.equal(ask(""), 0);
  });
  it("asks the machine's own nginx for a host that it serves, for two seconds at most", () => {
    ask("printf 308");
    const words = readFileSync(join(folder, "words"), "utf8").trim().split("\n");
    assert.deepEqual(words, [
      ...["-q", "--silent", "--noproxy", "*", "--max-time", "2", "--user-agent", "trivet-entry"],
      ...["--output", "/dev/null", "--write-out", "%{http_code}"],
      ...["--header", "Host: example.org", "http://10.0.0.12/.trivet/ready"],
    ]);
  });
});
