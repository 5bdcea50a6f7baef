import assert from "node:assert/strict";
import { renderSentinelConfig } from "../../../components/cache/valkey-sentinel-files";
import { problemsOf } from "../support/outputs";

const MEMBERS = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"];
const config = {
  service: "valkey-sentinel-vm2",
  address: "10.0.0.2",
  password: 'p"w',
  members: MEMBERS.slice(0, 3),
};

describe("sentinel.conf", () => {
  it("watches the first machine's server until it is told of another one", () => {
    assert.equal(
      renderSentinelConfig(config),
      `bind 10.0.0.2 127.0.0.1
port 26379
protected-mode yes
requirepass "p\\"w"
dir /var/lib/valkey-data
loglevel notice
sentinel announce-ip 10.0.0.2
sentinel myid 28cce39e1168e12c07cac66c7497ddf8836e2da7
sentinel monitor trivet 10.0.0.1 6379 2
sentinel auth-pass trivet "p\\"w"
sentinel down-after-milliseconds trivet 3000
sentinel failover-timeout trivet 10000
sentinel parallel-syncs trivet 1
`,
    );
  });

  it("asks for a majority", () => {
    assert.match(
      renderSentinelConfig({ ...config, members: MEMBERS }),
      /^sentinel monitor trivet 10\.0\.0\.1 6379 3$/m,
    );
  });

  it("has an identity of 40 digits, on each machine another one", () => {
    const identity = (service: string) =>
      /^sentinel myid ([0-9a-f]{40})$/m.exec(renderSentinelConfig({ ...config, service }))?.[1];
    assert.ok(identity("valkey-sentinel-vm1") !== undefined);
    assert.notEqual(identity("valkey-sentinel-vm1"), identity("valkey-sentinel-vm3"));
  });

  it("refuses what would be another setting", () => {
    assert.deepEqual(
      problemsOf(() => renderSentinelConfig({ ...config, password: "a\nb", members: [] })),
      [
        "  - password: has a blank or a control character",
        "  - members: is empty, needs at least one entry",
      ],
    );
  });
});
