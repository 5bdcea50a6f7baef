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

/** As Docker 26 and iptables answer. The address of a container that has ended goes at the second look. */
const STAND_INS = {
  iptables: `cat "$FOLDER/rules"; if [ -e "$FOLDER/ends" ]; then sed -i "/$(cat "$FOLDER/ends")/d" "$FOLDER/rules"; fi`,
  docker: `
case "$*" in
  "network ls --quiet --filter driver=bridge") printf 'n1\\nn2\\n' ;;
  "network inspect"*" n1 n2") if [ -e "$FOLDER/stopped" ]; then exit 1; fi; cat "$FOLDER/addresses" ;;
  *) exit 1 ;;
esac`,
  systemctl: `echo "$*" >> "$FOLDER/asked"`,
  sleep: `echo "$*" >> "$FOLDER/slept"`,
};
const rule = (address: string, port: number) =>
  `-A DOCKER ! -i docker_gwbridge -p tcp -m tcp --dport ${port} -j DNAT --to-destination ${address}:${port}\n`;
const RULES = `-N DOCKER\n-A DOCKER -i docker0 -j RETURN\n${rule("10.212.0.3", 443)}${rule("10.212.0.3", 80)}`;

describe("stale-ports.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns(STAND_INS);
    machine.put("rules", RULES);
    machine.put("addresses", "10.212.0.2/24 10.212.0.4/24 \n\n172.17.0.2/16 \n");
  });
  afterEach(() => {
    machine.remove();
  });
  const run = () => {
    const env = { STATE: machine.at("state") };
    const { status, stderr } = machine.run(scriptOf("machine", "stale-ports.sh"), [], "", env);
    return { status, said: stderr, asked: machine.lines("asked") };
  };
  const RESTART = "--no-block restart docker.service";

  it("starts Docker anew where a port leads to an address that no container has", () => {
    assert.deepEqual(run(), {
      status: 0,
      said: "published ports lead to 10.212.0.3, where no container is: starting Docker anew\n",
      asked: [RESTART],
    });
    assert.equal(machine.lines("slept").length, 1);
  });

  it("gives up where that does not help", () => {
    for (let times = 1; times <= 3; times += 1) assert.equal(run().status, 0);
    const { status, said, asked } = run();
    assert.equal(status, 1);
    assert.match(
      said,
      /^published ports still lead to 10\.212\.0\.3, where no container is, after 3 starts: /,
    );
    assert.equal(asked.length, 3);
  });

  const calm = (why: string, prepare: () => void, looks: number) => {
    it(`does nothing ${why}`, () => {
      prepare();
      assert.deepEqual(run(), { status: 0, said: "", asked: [] });
      assert.equal(machine.lines("slept").length, looks);
    });
  };
  calm(
    "where each leads to a container, and looks for a minute",
    () => {
      machine.put("addresses", "10.212.0.3/24 \n");
    },
    20,
  );
  calm(
    "where nothing is published",
    () => {
      machine.put("rules", "-N DOCKER\n");
    },
    20,
  );
  calm(
    "for a container that has just ended",
    () => {
      machine.put("ends", "10.212.0.3");
    },
    20,
  );
  calm(
    "while Docker does not answer",
    () => {
      machine.put("stopped", "");
    },
    0,
  );
});
