import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderInput } from "../../../components/core/remote-script";
import { machineScript } from "../../../components/machine/shared";
import { StandIns } from "../support/stand-ins";

const LISTEN = machineScript("reachability-lib.sh", "reachability-listen.sh");
const CONNECT = machineScript("reachability-connect.sh");
const CLOSE = machineScript("reachability-lib.sh", "reachability-close.sh");
/** Two machines: on Linux every address of 127.0.0.0/8 is this one's. */
const [VM1, VM2] = ["127.0.0.1", "127.0.0.2"] as const;
/** Tests of several checkouts may run at a time. */
const BASE = 20_000 + (process.pid % 1000) * 10;
const [A, B, C] = [BASE, BASE + 1, BASE + 2];

/** As the provider runs it: the script on standard input, until its output is closed. */
async function run(script: string, args: readonly string[]) {
  const started = Date.now();
  const child = spawn("bash", ["-s"]);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  child.stdin.end(renderInput(script, args));
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  const seconds = (Date.now() - started) / 1000;
  return { status, stdout: stdout.trimEnd(), stderr: stderr.trimEnd(), seconds };
}

/** As the listener does it. */
async function maySeeAll(): Promise<boolean> {
  const { status } = await run(
    "perl -MSocket=PF_INET,SOCK_RAW,IPPROTO_UDP -e 'exit !socket(S, PF_INET, SOCK_RAW, IPPROTO_UDP)'",
    [],
  );
  return status === 0;
}

describe("machines that try each other's ports", () => {
  let folder = "";
  const others: Server[] = [];
  const pidFile = (machine: string) => join(folder, `${machine}.pid`);
  const pidOf = (machine: string) => readFileSync(pidFile(machine), "utf8").trim();
  /** Whoever ended and was not waited for has no words left. */
  const lives = (pid: string) =>
    existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
  const address = (machine: string) => (machine === "vm1" ? VM1 : VM2);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-reachability-"));
  });
  afterEach(async () => {
    for (const machine of ["vm1", "vm2"]) await close(machine);
    for (const server of others.splice(0)) server.close();
    rmSync(folder, { recursive: true });
  });

  const listen = async (machine: string, tcp: string, udp: string, seconds = 60) =>
    await run(LISTEN, [
      ...[machine, address(machine), tcp, udp, `${VM1},${VM2}`],
      ...[pidFile(machine), String(seconds)],
    ]);
  const close = async (machine: string) => await run(CLOSE, [pidFile(machine)]);
  const connect = async (tcp: string, udp: string, said: string, to: string = VM2) =>
    await run(CONNECT, ["vm1", "vm2", to, tcp, udp, said]);
  const serve = async (host: string, port: number) => {
    const server = createServer((socket) => socket.on("error", () => undefined));
    others.push(server);
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
  };
  const fine = { status: 0, stdout: "", stderr: "" };
  const failing = (what: string) => ({
    status: 1,
    stdout: "",
    stderr: `vm1: cannot reach ${what}: let the machines reach each other's private addresses at these ports (the provider's firewall or security group, a firewall on the machine, routes)`,
  });
  const withoutTime = ({ status, stdout, stderr }: Awaited<ReturnType<typeof run>>) => ({
    status,
    stdout,
    stderr,
  });

  it("listen apart from the script, which ends at once and names where", async () => {
    const { status, stdout, stderr, seconds } = await listen("vm2", `${A},${B}`, `${C},${A}`);
    assert.deepEqual([status, stdout, stderr], [0, `${A},${B} ${C},${A}`, ""]);
    assert.ok(seconds < 20, `took ${seconds} s`);
    const session = spawnSync("ps", ["-o", "sid=,args=", "-p", pidOf("vm2")], { encoding: "utf8" });
    assert.equal(session.stdout.trim(), `${pidOf("vm2")} trivet-reachability`);
  });

  it("reach each other over TCP and UDP, both ways, quickly", async () => {
    const [one, two] = await Promise.all([
      listen("vm1", `${A}`, "-"),
      listen("vm2", `${A},${B}`, `${C}`),
    ]);
    const there = await connect(`${A},${B}`, `${C}`, two.stdout);
    assert.deepEqual(withoutTime(there), fine);
    assert.deepEqual(withoutTime(await connect(`${A}`, "-", one.stdout, VM1)), fine);
    assert.ok(there.seconds < 20, `took ${there.seconds} s`);
  });

  it("leave ports alone that somebody holds, and reach that one", async () => {
    await serve(VM2, A);
    const { stdout } = await listen("vm2", `${A},${B}`, "-");
    assert.equal(stdout.split(" ")[0], String(B));
    assert.deepEqual(withoutTime(await connect(`${A},${B}`, "-", stdout)), fine);
    assert.equal((await listen("vm1", "-", "-")).stdout, "- -");
    assert.ok(!existsSync(pidFile("vm1")), "nothing to listen at");
  });

  describe("where somebody holds a UDP port", () => {
    const heard: string[] = [];
    const socket = createSocket("udp4");
    before(async () => {
      socket.on("message", (text) => heard.push(text.toString()));
      await new Promise<void>((resolve) => socket.bind(C, VM2, resolve));
    });
    after(async () => {
      await new Promise<void>((resolve) => socket.close(resolve));
    });

    it("answer beside him, to their own words alone", async function () {
      // Whoever may not see all that comes, as an unprivileged user, has to leave the port out.
      const mayLook = await maySeeAll();
      const { stdout } = await listen("vm2", `${A}`, `${C}`);
      assert.equal(stdout, `${A} ${mayLook ? C : "-"}`);
      if (!mayLook) this.skip();
      assert.deepEqual(withoutTime(await connect(`${A}`, `${C}`, stdout)), fine);
      assert.deepEqual(heard, ["trivet\n"]);
      const asker = createSocket("udp4");
      const answers: string[] = [];
      asker.on("message", (text) => answers.push(text.toString()));
      for (const text of ["other\n", "trivet\n"]) asker.send(text, C, VM2);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      asker.close();
      assert.deepEqual(answers, ["trivet\n"]);
    });
  });

  it("name every port that is refused on the way, though a listener holds it", async () => {
    const refused = await connect(`${B},${A}`, `${C}`, `${A},${B} ${C}`);
    assert.deepEqual(withoutTime(refused), failing(`vm2 (${VM2}) at ${A}, ${B}, ${C}/udp`));
    assert.ok(refused.seconds < 20, `took ${refused.seconds} s`);
  });

  it("take a refusal for an answer at a port that no listener holds", async () => {
    assert.deepEqual(withoutTime(await connect(`${A}`, `${C}`, "- -")), fine);
    assert.deepEqual(withoutTime(await connect(`${A}`, "-", `${B} -`)), fine);
  });

  it("name all machines that say nothing or cannot be got to, in one message", async () => {
    // What bash says of them, without a network that would keep silent.
    const bin = join(folder, "bin");
    mkdirSync(bin);
    const stub = `#!/bin/sh\ncase $5 in 10.0.0.2) exit 124 ;; esac\necho "$5: No route to host" >&2\nexit 1\n`;
    writeFileSync(join(bin, "timeout"), stub, { mode: 0o755 });
    const script = `PATH=${bin}:$PATH\n${CONNECT}`;
    const args = ["vm1", "vm2", "10.0.0.2", `${A},${B}`, `${C}`, ""];
    const tried = await run(script, [...args, "vm3", "10.0.0.3", `${A}`, "-", ""]);
    assert.deepEqual(
      withoutTime(tried),
      failing(`vm2 (10.0.0.2) at ${A}, ${B}; vm3 (10.0.0.3) at ${A}`),
    );
  });

  it("listen anew, and then no longer as before", async () => {
    await listen("vm2", `${A}`, "-");
    const first = pidOf("vm2");
    assert.equal((await listen("vm2", `${A},${B}`, "-")).stdout.split(" ")[0], `${A},${B}`);
    assert.ok(!lives(first) && lives(pidOf("vm2")));
  });

  it("give the ports back, at once and twice, also after a connection", async () => {
    const { stdout } = await listen("vm2", `${A}`, `${C}`);
    await connect(`${A}`, `${C}`, stdout);
    const pid = pidOf("vm2");
    assert.deepEqual(withoutTime(await close("vm2")), fine);
    assert.ok(!lives(pid) && !existsSync(pidFile("vm2")));
    await serve(VM2, A);
    assert.deepEqual(withoutTime(await close("vm2")), fine);
  });

  it("end nobody else's process", async () => {
    const child = spawn("sleep", ["30"]);
    writeFileSync(pidFile("vm2"), `${child.pid ?? ""}\n`);
    assert.deepEqual(withoutTime(await close("vm2")), fine);
    assert.equal(child.exitCode, null);
    assert.ok(child.pid !== undefined && lives(String(child.pid)));
    child.kill();
  });

  it("stop listening by themselves", async () => {
    await listen("vm2", `${A}`, "-", 1);
    const pid = pidOf("vm2");
    await new Promise((resolve) => setTimeout(resolve, 2500));
    assert.ok(!lives(pid));
  });

  describe("behind a firewall of the platform's own", () => {
    /** The set and the rule are files; a rule has the handle 42. */
    const NFT = `
echo "$*" >> "$FOLDER/asked"
case "$*" in
  "list table inet trivet") [ -e "$FOLDER/table" ] ;;
  "-f -") cat > "$FOLDER/loaded" ;;
  "-a list chain inet trivet input") if [ -e "$FOLDER/loaded" ]; then printf '\\t\\tip saddr @trying accept # handle 42\\n\\t\\tip saddr @peers4 accept # handle 7\\n'; fi ;;
  "list set inet trivet trying") [ -e "$FOLDER/loaded" ] ;;
  "delete set inet trivet trying") rm "$FOLDER/loaded" ;;
esac
`;
    let machine: StandIns;
    beforeEach(() => {
      machine = new StandIns({ nft: NFT });
    });
    afterEach(() => {
      machine.remove();
    });
    const LOADED = [
      "add set inet trivet trying { type ipv4_addr; flags timeout; timeout 2m; }",
      `add element inet trivet trying { ${VM1}, ${VM2} }`,
      "insert rule inet trivet input ip saddr @trying accept",
    ];
    const CLOSED = ["delete rule inet trivet input handle 42", "delete set inet trivet trying"];
    const changes = () => machine.lines("asked").filter((line) => /^(delete|-f)/.test(line));
    const listenThere = () =>
      machine.run(LISTEN, ["vm2", VM2, "-", "-", `${VM1},${VM2}`, pidFile("vm2")]);

    it("let each other in, once, and close it again", () => {
      machine.put("table", "");
      assert.equal(listenThere().status, 0);
      assert.deepEqual(machine.lines("loaded"), LOADED);
      assert.equal(listenThere().status, 0);
      assert.deepEqual(changes(), ["-f -", ...CLOSED, "-f -"]);
      assert.equal(machine.run(CLOSE, [pidFile("vm2")]).status, 0);
      assert.deepEqual(changes(), ["-f -", ...CLOSED, "-f -", ...CLOSED]);
    });

    it("leave it alone where there is none", () => {
      assert.equal(listenThere().status, 0);
      assert.equal(machine.run(CLOSE, [pidFile("vm2")]).status, 0);
      assert.deepEqual(changes(), []);
    });
  });

  it("say which address cannot be listened at", async () => {
    const { status, stderr } = await run(LISTEN, [
      ...["vm1", "192.0.2.123", `${A}`, "-", VM1, pidFile("vm1")],
    ]);
    assert.equal(status, 1);
    assert.equal(
      stderr,
      `vm1: cannot listen at 192.0.2.123 port ${A} (tcp): Cannot assign requested address`,
    );
  });
});
