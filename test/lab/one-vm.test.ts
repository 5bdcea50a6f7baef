import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { get } from "node:https";
import { join } from "node:path";
import { promisify } from "node:util";
import { APPLICATION_PORTS, PORTS } from "../../components/core/ports";
import { DEFAULT_SYSCTLS } from "../../components/machine";
import { answersWithin, ask } from "../../scripts/stack/address";
import { platformMemory, printMemory, totalMiB } from "../../scripts/stack/memory";
import type { StackOutputs } from "../../scripts/stack/pulumi";
import { ROOT } from "../../scripts/stack/pulumi";
import { badImageTests } from "./bad-images";
import { changesTests } from "./changes";
import { dumpTests } from "./dump";
import { faultTests } from "./faults";
import { interruptCreation, interruptionTests } from "./interruptions";
import { operatorTests } from "./operator";
import { load } from "./support/load";
import { isOpen } from "./support/ports";
import { LabStack } from "../../scripts/drills/lab-stack";

const run = promisify(execFile);
const report = (text: string) => process.stdout.write(`      ${text}\n`);

describe("one VM", function () {
  // Everything below stands on the first one.
  this.bail(true);
  const stack = new LabStack("test-one");
  let outputs: StackOutputs;
  let url: string;

  before(async () => {
    await stack.prepare(1);
  });
  after(async () => {
    await stack.remove();
  });

  it("goes from a bare machine to an HTTPS address that answers, killed once on the way", async () => {
    await interruptCreation(stack);
    const started = Date.now();
    await stack.up();
    outputs = await stack.outputs();
    url = outputs.urls[0] ?? "";
    await answersWithin(120, url, outputs);
    report(`from the kill to the first 200: ${((Date.now() - started) / 1000).toFixed(0)} s`);
    const health = await ask(`${url}health`, outputs.certificate);
    assert.equal(health.status, 200, health.body);
  });

  it("shows no difference on the next preview", async () => {
    const { code, output } = await stack.pulumi("preview", "--expect-no-changes", "--diff");
    assert.equal(code, 0, output);
  });

  it("runs every service of the picture, healthy", async () => {
    const listed = await stack.onMachine(
      "vm1",
      "docker ps --format '{{.Label \"com.docker.swarm.service.name\"}} {{.Status}}'",
    );
    const healthy = listed
      .split("\n")
      .filter((line) => line.includes("(healthy)"))
      .map((line) => line.split(" ")[0])
      .sort();
    const data = ["etcd", "postgres", "valkey"];
    const ways = ["nginx", "pgbouncer", "pooler-guard", "router", "valkey-router"];
    const platform = [...data, ...ways].map((name) => `${name}-vm1`).sort();
    assert.deepEqual(healthy, [...platform, "web", "web"], listed);
  });

  it("takes less than 700 MB of memory without the application", async () => {
    const memory = await platformMemory(outputs);
    printMemory(memory);
    assert.equal(memory.length, 1);
    for (const machine of memory) assert.ok(totalMiB(machine) < 700, JSON.stringify(machine));
  });

  it("answers 1,000 requests at concurrency 100 from the database, none failed", async () => {
    const { certificate } = outputs;
    const result = await load(url, { certificate, concurrency: 100, requests: 1000 });
    report(`${(result.sent / result.seconds).toFixed(0)} requests/s`);
    assert.equal(result.sent, 1000);
    assert.deepEqual(result.reasons, {});
  });

  it("finds every acknowledged answer of an exam again", async () => {
    const client = join(ROOT, "examples", "exam", "load", "answers.ts");
    const args = ["--import", "tsx", client, url, "--insecure", "--students", "20"];
    const options = { cwd: join(ROOT, "examples", "exam") };
    const { stdout } = await run(process.execPath, [...args, "--seconds", "10"], options);
    const seen = JSON.parse(stdout) as { acked: number; failed: number; lost: number };
    report(JSON.stringify(seen));
    assert.ok(seen.acked > 0);
    assert.deepEqual({ failed: seen.failed, lost: seen.lost }, { failed: 0, lost: 0 });
  });

  it("keeps every port closed but SSH, 80 and 443", async () => {
    const address = outputs.machines.vm1?.address ?? "";
    const listening = Object.entries(PORTS).filter(([name]) => name !== "sentinel");
    const open = [];
    for (const [name, port] of [["ssh", 22] as const, ...listening]) {
      if (await isOpen(address, port)) open.push(name);
    }
    assert.deepEqual(open, ["ssh", "http", "https"]);
  });

  it("keeps a port closed that Docker publishes, also after Docker's restart and the machine's", async () => {
    const address = outputs.machines.vm1?.address ?? "";
    const image = "$(docker inspect --format '{{.Image}}' $(docker ps -ql))";
    const publish = `docker run -d --restart always --name published -p 8081:8000 --entrypoint sleep ${image} infinity`;
    await stack.onMachine("vm1", `${publish} && (ss -ltn | grep -q ':8081 ')`);
    assert.equal(await isOpen(address, 8081), false, "as published");
    await stack.onMachine("vm1", "systemctl restart docker");
    assert.equal(await isOpen(address, 8081), false, "after Docker's restart");
    await stack.lab("kill", "vm1");
    await stack.lab("start", "vm1");
    const started = Date.now();
    await answersWithin(180, url, outputs);
    report(
      `power cut: serving again ${((Date.now() - started) / 1000).toFixed(0)} s after the start`,
    );
    assert.equal(await isOpen(address, 8081), false, "after the machine's restart");
    await stack.onMachine("vm1", "docker rm -f published");
  });

  it("lets a container reach the data services of its own machine, and no other port", async () => {
    const ports = [...APPLICATION_PORTS, PORTS.postgres, PORTS.patroni, PORTS.etcdClient];
    const probe = ports.map(
      (port) => `timeout 2 bash -c '</dev/tcp/10.212.0.1/${port}' 2>/dev/null && echo ${port}`,
    );
    const seen = await stack.onMachine(
      "vm1",
      `docker exec -i $(docker ps -qf label=com.docker.swarm.service.name=web | head -n 1) bash -s <<'PROBE'\n${probe.join("\n")}\ntrue\nPROBE`,
    );
    assert.deepEqual(seen.split("\n").map(Number), [...APPLICATION_PORTS]);
  });

  it("answers no name that nobody configured", async () => {
    const refused = new Promise((resolve, reject) => {
      const headers = { host: "someone-else.example" };
      // The certificate is right; that it is for another name than the header's is the point.
      const tls = { ca: outputs.certificate, checkServerIdentity: () => undefined };
      get(url, { headers, ...tls }, resolve).once("error", reject);
    });
    await assert.rejects(refused, /socket hang up|ECONNRESET/);
  });

  it("has the kernel parameters that were asked for, in force", async () => {
    for (const [key, value] of Object.entries(DEFAULT_SYSCTLS)) {
      const found = await stack.onMachine("vm1", `sysctl -n ${key}`);
      assert.equal(found.replace(/\s+/g, " "), value, key);
    }
  });

  it("changes the application under load without a failed request", async () => {
    stack.configure(["trivet:services", "web", "env", "LOG_LEVEL"], "warn");
    const { certificate } = outputs;
    const update = stack.up();
    const result = await load(url, { certificate, concurrency: 10, until: update });
    await update;
    report(`${result.sent} requests during the update`);
    assert.deepEqual(result.reasons, {});
    assert.ok(result.sent > 100, `only ${result.sent} requests were sent`);
  });

  const platform = () => ({ stack, outputs });
  describe("for its operator", () => {
    operatorTests(platform);
  });
  describe("when a setting changes", () => {
    changesTests(platform);
  });
  describe("when updates are interrupted", () => {
    interruptionTests(platform);
  });
  describe("with an image that cannot be used", () => {
    badImageTests(platform);
  });
  describe("when something fails", () => {
    faultTests(platform);
  });
  describe("with its dumps", () => {
    dumpTests(platform);
  });

  describe("after all that", () => {
    it("keeps secrets out of the state, the containers' descriptions and the process list", async () => {
      // Single words only: what is longer are whole scripts that hold public text too.
      const secrets = [...new Set(await stack.secrets())]
        .map((text) => text.replace(/^"|"$/g, ""))
        .filter((text) => /^[A-Za-z0-9]{16,64}$/.test(text));
      assert.ok(secrets.length >= 8, `found only ${secrets.length} secrets to look for`);
      const places = {
        state: await stack.state(),
        inspect: await stack.onMachine(
          "vm1",
          "docker inspect $(docker ps -aq); docker service inspect $(docker service ls -q)",
        ),
        processes: await stack.onMachine("vm1", "ps axeww"),
        log: await stack.onMachine(
          "vm1",
          "for c in $(docker ps -aq); do docker logs $c 2>&1 || true; done",
        ),
        journal: await stack.onMachine("vm1", "journalctl --no-pager --quiet --boot"),
      };
      for (const [place, text] of Object.entries(places)) {
        assert.equal(secrets.filter((secret) => text.includes(secret)).length, 0, place);
      }
    });
  });
});
