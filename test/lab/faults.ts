import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { FILL, OWN_DISK, UNFILL } from "../../scripts/drills/disk";
import type { LabStack } from "../../scripts/drills/lab-stack";
import { observe } from "../../scripts/drills/load";
import { answersWithin } from "../../scripts/stack/address";

/** Power cuts of one run. A drill asks for more than the tests of every change. */
const POWER_CUTS = Number(process.env.TRIVET_POWER_CUTS ?? "2");
assert.ok(POWER_CUTS >= 1, "TRIVET_POWER_CUTS has to be a count");
/** What must come back comes back in seconds; this is for a machine that is busy with something else. Seconds. */
const GENEROUS = 240;

const report = (text: string) => process.stdout.write(`      ${text}\n`);
const secondsSince = (start: number) => ((Date.now() - start) / 1000).toFixed(1);

/** Reboots, crashes and a full disk, on a platform with one machine. */
export function faultTests(platform: () => { stack: LabStack }): void {
  const serving = async () => {
    const outputs = await platform().stack.outputs();
    await answersWithin(GENEROUS, outputs.urls[0] ?? "", outputs);
  };

  it("brings back each container that is killed", async () => {
    const { stack } = platform();
    const services = (await stack.onMachine("vm1", RUNNING))
      .split("\n")
      .filter((name) => name !== "");
    assert.ok(services.length >= 7, services.join(", "));
    for (const service of services) {
      const started = Date.now();
      await stack.onMachine("vm1", killed(service));
      await serving();
      report(`${service}: killed, healthy again and serving after ${secondsSince(started)} s`);
    }
  });

  for (let cut = 1; cut <= POWER_CUTS; cut += 1) {
    it(`loses no acknowledged row when the power is cut under load (${cut} of ${POWER_CUTS})`, async () => {
      const { stack } = platform();
      let again = "";
      const seen = await observe(await stack.target(), { stay: ["vm1"] }, async () => {
        await sleep(2000 + Math.random() * 3000);
        await stack.lab("kill", "vm1");
        await stack.lab("start", "vm1");
        const started = Date.now();
        await serving();
        again = secondsSince(started);
      });
      report(`serving ${again} s after the start; ${JSON.stringify(seen)}`);
      assert.ok(seen.acknowledgedRows > 50, "hardly anything was written");
      assert.equal(seen.lostRows, 0);
    });
  }

  it("refuses writes while the disk is full, says so, and recovers by itself when there is room", async () => {
    const { stack } = platform();
    await stack.onMachine("vm1", OWN_DISK);
    await serving();
    let recovered = "";
    const seen = await observe(await stack.target(), { stay: ["vm1"] }, async () => {
      await sleep(2000);
      await stack.onMachine("vm1", FILL);
      await sleep(40_000);
      await stack.onMachine("vm1", UNFILL);
      const started = Date.now();
      await serving();
      await stack.onMachine("vm1", WRITABLE);
      recovered = secondsSince(started);
    });
    report(`writable again ${recovered} s after there was room; ${JSON.stringify(seen)}`);
    // Docker cannot write the containers' logs to a full disk either; the machine's journal has it.
    const log = await stack.onMachine(
      "vm1",
      "journalctl --unit docker --no-pager --quiet | grep -m 1 'no space left on device'",
    );
    report(log);
    const refusals = Object.keys(seen.writeErrors).join();
    assert.match(refusals, /No space left on device/, "no write was refused for it");
    assert.equal(seen.lostRows, 0);
  });
}

/** Services that have a container, a line each. */
const RUNNING = `docker ps --format '{{.Label "com.docker.swarm.service.name"}}' | sort -u`;

/** Kills one container of a service, and waits until as many as before are healthy. */
const killed = (service: string) => `
healthy() { docker ps -q --filter label=com.docker.swarm.service.name=${service} --filter health=healthy | wc -l; }
wanted=$(healthy)
id=$(docker ps -q --filter label=com.docker.swarm.service.name=${service} | head -n 1)
docker kill --signal KILL "$id" > /dev/null
for _ in $(seq ${GENEROUS * 4}); do
  if [ "$(healthy)" -ge "$wanted" ] && [ -z "$(docker ps -q --filter id="$id")" ]; then exit 0; fi
  sleep 0.25
done
docker service ps --no-trunc ${service} >&2
exit 1`;

/** Waits until Postgres takes a write. */
const WRITABLE = `
for _ in $(seq ${GENEROUS * 2}); do
  id=$(docker ps -qf label=com.docker.swarm.service.name=postgres-vm1 | head -n 1)
  if [ -n "$id" ] && docker exec "$id" psql -U postgres -qc 'CREATE TEMPORARY TABLE room AS SELECT 1' > /dev/null 2>&1; then exit 0; fi
  sleep 0.5
done
exit 1`;
