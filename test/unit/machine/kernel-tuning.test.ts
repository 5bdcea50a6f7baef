import assert from "node:assert/strict";
import {
  DEFAULT_SYSCTLS,
  KernelTuning,
  type KernelTuningArgs,
  parseTuning,
} from "../../../components/machine/kernel-tuning";
import { problemsOf, valueOf } from "../support/outputs";
import { host, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

const RESERVED = "80,443,2377,2379-2381,4789,5000-5001,5432,6379-6380,6432,7000,7946,8008";
const hosts = [host("vm1", 1)];

describe("KernelTuning", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  const sent = async (args: Partial<KernelTuningArgs>) => {
    await valueOf(new KernelTuning("k", { hosts, ...args }).tuning.vm1);
    return engine.script("k-vm1-sysctl").args;
  };

  it("sends every default", async () => {
    assert.equal(
      await sent({}),
      [
        "vm1 '# Written by Trivet: changes made here are overwritten.",
        "net.core.somaxconn = 65535",
        `net.ipv4.ip_local_port_range = 1024 65535`,
        `net.ipv4.ip_local_reserved_ports = ${RESERVED},26379`,
        "net.ipv4.tcp_fin_timeout = 15",
        "net.ipv4.tcp_keepalive_intvl = 10",
        "net.ipv4.tcp_keepalive_probes = 3",
        "net.ipv4.tcp_keepalive_time = 30",
        "net.ipv4.tcp_max_syn_backlog = 65535",
        "net.ipv4.tcp_max_tw_buckets = 200000",
        "net.ipv4.tcp_migrate_req = 1",
        "net.ipv4.tcp_retries2 = 6' '# Written by Trivet: changes made here are overwritten.",
        "[Unit]",
        "StartLimitIntervalSec=0",
        "[Service]",
        "LimitNOFILE=65535' 65535",
      ].join("\n"),
    );
  });

  it("takes the values given, and leaves out what is taken out", async () => {
    const sysctls = { "net.ipv4.tcp_fin_timeout": 30, "net.ipv4.tcp_migrate_req": "" };
    const more = { "net.ipv4.tcp_rmem": " 4096\t131072  6291456 " };
    const args = { sysctls: { ...sysctls, ...more }, optional: ["net.ipv4.tcp_rmem"] };
    const text = await sent({ ...args, reservedPorts: [9100], limitNoFile: 4096 });
    assert.match(text, /\nnet\.ipv4\.tcp_fin_timeout = 30\n/);
    assert.match(text, /\n-net\.ipv4\.tcp_rmem = 4096 131072 6291456' /);
    assert.match(text, /,8008,9100,26379\n/);
    assert.match(text, /LimitNOFILE=4096' 4096$/);
    assert.doesNotMatch(text, /tcp_migrate_req/);
  });

  it("hands out what was read back", async () => {
    const { tuning } = new KernelTuning("k", { hosts });
    assert.deepEqual(await valueOf(tuning.vm1), {
      sysctls: { "net.core.somaxconn": "65535" },
      restartPending: [],
    });
    assert.deepEqual(parseTuning("a.b = 1 2\nrestart-pending = docker\n"), {
      sysctls: { "a.b": "1 2" },
      restartPending: ["docker"],
    });
    assert.deepEqual(parseTuning(""), { sysctls: {}, restartPending: [] });
  });

  it("waits for what the component is told to wait for", async () => {
    const first = new KernelTuning("first", { hosts });
    const second = new KernelTuning("second", { hosts }, { dependsOn: first });
    await valueOf(second.tuning.vm1);
    assert.ok(engine.get("second-vm1-sysctl").dependsOn.includes("first-vm1-sysctl"));
  });

  it("has the first seed's values as defaults, and notices within a minute that a peer has gone", () => {
    assert.deepEqual(DEFAULT_SYSCTLS, {
      "net.core.somaxconn": "65535",
      "net.ipv4.ip_local_port_range": "1024 65535",
      "net.ipv4.tcp_fin_timeout": "15",
      "net.ipv4.tcp_keepalive_intvl": "10",
      "net.ipv4.tcp_keepalive_probes": "3",
      "net.ipv4.tcp_keepalive_time": "30",
      "net.ipv4.tcp_max_syn_backlog": "65535",
      "net.ipv4.tcp_max_tw_buckets": "200000",
      "net.ipv4.tcp_migrate_req": "1",
      "net.ipv4.tcp_retries2": "6",
    });
  });

  it("reports all bad arguments at once", () => {
    const sysctls = {
      "net.ipv4.ip_local_reserved_ports": "1",
      somaxconn: 1,
      "net.core.a b": 1,
      "net.core.x": 1.5,
      "net.core.y": "1\nkernel.panic = 1",
    };
    const rest = { optional: ["net.core.z"], reservedPorts: [80, 0], limitNoFile: 10 };
    assert.deepEqual(
      problemsOf(() => new KernelTuning("k", { hosts, sysctls, ...rest })),
      [
        "  - limitNoFile: is 10, must be a whole number from 1024 to 1048576",
        '  - sysctls["net.ipv4.ip_local_reserved_ports"]: is computed, give reservedPorts instead',
        "  - reservedPorts[1]: is 0, must be a whole number from 1 to 65535",
        '  - sysctls["somaxconn"]: is not a name such as net.core.somaxconn',
        '  - sysctls["net.core.a b"]: is not a name such as net.core.somaxconn',
        '  - sysctls["net.core.x"]: is 1.5, must be a whole number or a text',
        '  - sysctls["net.core.y"]: has a line break or another control character',
        "  - optional[0]: is net.core.z, which is not set",
      ],
    );
    assert.deepEqual(engine.made, []);
  });
});
