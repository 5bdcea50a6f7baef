import assert from "node:assert/strict";
import { ReplicaSpread } from "../../../components/swarm/replica-spread";
import { problemsOf } from "../support/outputs";
import { hosts, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";
import { filesIn } from "../support/script-input";

describe("ReplicaSpread", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("gives each manager a timer that runs the script", async () => {
    new ReplicaSpread("spread", { managers: hosts(3) });
    await engine.settled();
    for (const name of ["vm1", "vm2", "vm3"]) {
      const { words, data } = engine.script(`spread-${name}-files`);
      const files = filesIn(data);
      assert.deepEqual(Object.keys(files).sort(), [
        "/etc/systemd/system/trivet-spread.service",
        "/etc/systemd/system/trivet-spread.timer",
        "/usr/local/lib/trivet/trivet-spread.sh",
      ]);
      const run = "ExecStart=/bin/bash /usr/local/lib/trivet/trivet-spread.sh\n";
      const service = files["/etc/systemd/system/trivet-spread.service"]?.content ?? "";
      assert.ok(service.includes(run), service);
      assert.doesNotMatch(service, /Requires|Wants/, "it would start a Docker that was stopped");
      assert.match(service, /^PartOf=docker\.service$/m, "it would speak to the socket");
      assert.match(service, /^ExecCondition=.* is-active --quiet docker\.service$/m);
      assert.match(words[0] ?? "", /systemctl restart trivet-spread\.timer$/);
    }
  });

  it("refuses no managers and one that stands there twice", () => {
    const [host] = hosts(1);
    assert.ok(host);
    assert.deepEqual(
      problemsOf(() => new ReplicaSpread("spread", { managers: [] })),
      ["  - managers: is empty, needs at least one entry"],
    );
    assert.deepEqual(
      problemsOf(() => new ReplicaSpread("spread", { managers: [host, host] })),
      ["  - managers: repeats vm1"],
    );
  });
});
