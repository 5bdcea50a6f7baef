import assert from "node:assert/strict";
import { StalePorts } from "../../../components/machine/stale-ports";
import { problemsOf } from "../support/outputs";
import { hosts, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";
import { filesIn } from "../support/script-input";
import { scriptOf, StandIns } from "../support/stand-ins";

describe("StalePorts", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("gives each machine a service that runs after each start of Docker", async () => {
    new StalePorts("ports", { hosts: hosts(2) });
    await engine.settled();
    for (const name of ["vm1", "vm2"]) {
      const { words, data } = engine.script(`ports-${name}-files`);
      const files = filesIn(data);
      const unit = files["/etc/systemd/system/trivet-stale-ports.service"]?.content ?? "";
      assert.match(
        unit,
        /^ExecStart=\/bin\/bash \/usr\/local\/lib\/trivet\/trivet-stale-ports\.sh$/m,
      );
      assert.match(unit, /^After=docker\.service\nPartOf=docker\.service$/m);
      assert.match(unit, /^WantedBy=docker\.service$/m);
      assert.equal(Object.keys(files).length, 2);
      assert.match(words[0] ?? "", /enable --quiet trivet-stale-ports\.service$/);
    }
  });

  it("needs machines with names of their own", () => {
    assert.match(
      problemsOf(() => new StalePorts("ports", { hosts: [] })).join(),
      /hosts: is empty/,
    );
  });
});

/** As Docker 26 and iptables answer. A port whose container is only starting is that of a running one at the fourth look. */
const STAND_INS = {
  iptables: `cat "$FOLDER/rules"`,
  docker: `
case "$*" in
  "ps --quiet") if [ -e "$FOLDER/stopped" ]; then exit 1; fi; cat "$FOLDER/running" ;;
  "inspect --type container --format "*" c1 c2") cat "$FOLDER/ports" ;;
  *) exit 1 ;;
esac`,
  systemctl: `echo "$*" >> "$FOLDER/asked"`,
  sleep: `
echo "$*" >> "$FOLDER/slept"
if [ -e "$FOLDER/starting" ] && [ "$(wc -l < "$FOLDER/slept")" = 3 ]; then cat "$FOLDER/starting" >> "$FOLDER/ports"; fi`,
};
const rule = (address: string, port: number) =>
  `-A DOCKER ! -i docker_gwbridge -p tcp -m tcp --dport ${port} -j DNAT --to-destination ${address}:${port}\n`;
const RULES = `-N DOCKER\n-A DOCKER -i docker0 -j RETURN\n${rule("10.212.0.3", 443)}${rule("10.212.0.3", 80)}${rule("172.17.0.2", 8081)}`;

describe("stale-ports.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns(STAND_INS);
    machine.put("rules", RULES);
    machine.put("running", "c1\nc2\n");
    machine.put("ports", "\n8081 8081 \n");
  });
  afterEach(() => {
    machine.remove();
  });
  const run = () => {
    const env = { STATE: machine.at("state") };
    const { status, stderr } = machine.run(scriptOf("machine", "stale-ports.sh"), [], "", env);
    return { status, said: stderr, asked: machine.lines("asked") };
  };
  const RESTART = ["reset-failed docker.service", "--no-block restart docker.service"];
  const ANEW = "published ports 443 80 lead to no container: starting Docker anew\n";

  it("starts Docker anew where a port stays one of no container", () => {
    assert.deepEqual(run(), { status: 0, said: ANEW, asked: RESTART });
    assert.equal(machine.lines("slept").length, 3);
  });

  it("does so where no container runs at all", () => {
    machine.put("running", "");
    assert.equal(run().said, ANEW.replace("80", "80 8081"));
  });

  it("gives up where that does not help", () => {
    for (let starts = 1; starts <= 2; starts += 1) assert.equal(run().status, 0);
    const { status, said, asked } = run();
    assert.equal(status, 1);
    assert.match(
      said,
      /^published ports 443 80 still lead to no container after 2 starts of Docker: /,
    );
    assert.equal(asked.length, 4);
  });

  const calm = (why: string, prepare: () => void) => {
    it(`does nothing ${why}`, () => {
      machine.put("state/starts", "1");
      prepare();
      assert.deepEqual(run(), { status: 0, said: "", asked: [] });
      assert.equal(machine.lines("slept").length, 20);
      assert.deepEqual(machine.lines("state/starts"), []);
    });
  };
  calm("where each is a container's", () => {
    machine.put("ports", "443 80 \n8081 \n");
  });
  calm("where nothing is published", () => {
    machine.put("rules", "-N DOCKER\n");
  });
  calm("for a container that takes long to start", () => {
    machine.put("starting", "80 443 \n");
  });
  calm("while Docker does not answer", () => {
    machine.put("stopped", "");
  });
});
