import assert from "node:assert/strict";
import { parse } from "yaml";
import { renderEtcdConfig, renderMembers } from "../../../components/database/etcd-files";
import { memberCalled } from "../../../components/database/members";

const members = [1, 2, 3].map((n) => ({ name: `vm${n}`, address: `10.0.0.${n}` }));

describe("etcd.yml", () => {
  it("of one member among three", () => {
    assert.equal(
      renderEtcdConfig("etcd", "vm2", members),
      `name: vm2
data-dir: /var/lib/etcd-data/member
listen-client-urls: https://10.0.0.2:2379,https://127.0.0.1:2379
advertise-client-urls: https://10.0.0.2:2379
listen-peer-urls: https://10.0.0.2:2380
initial-advertise-peer-urls: https://10.0.0.2:2380
initial-cluster-token: etcd
listen-metrics-urls: http://127.0.0.1:2381
client-transport-security: &a1
  cert-file: /etc/trivet/member.pem
  key-file: /etc/trivet/member-key.pem
  trusted-ca-file: /etc/trivet/authority.pem
  client-cert-auth: true
peer-transport-security: *a1
heartbeat-interval: 200
election-timeout: 2000
auto-compaction-mode: periodic
auto-compaction-retention: 1h
quota-backend-bytes: 268435456
log-level: warn
`,
    );
  });

  it("asks for a certificate on both sides, with one member too", () => {
    const config: unknown = parse(renderEtcdConfig("e", "vm1", members.slice(0, 1)));
    const security = {
      "cert-file": "/etc/trivet/member.pem",
      "key-file": "/etc/trivet/member-key.pem",
      "trusted-ca-file": "/etc/trivet/authority.pem",
      "client-cert-auth": true,
    };
    assert.ok(typeof config === "object" && config !== null);
    // etcd-start.sh adds these two, by what it finds.
    assert.ok(!("initial-cluster" in config) && !("initial-cluster-state" in config));
    assert.deepEqual(Reflect.get(config, "client-transport-security"), security);
    assert.deepEqual(Reflect.get(config, "peer-transport-security"), security);
  });

  it("knows no member but its own", () => {
    assert.throws(() => memberCalled("vm4", members), /vm4 is not among the members/);
  });
});

describe("the file of etcd's members", () => {
  it("has a name and an address on each line", () => {
    assert.equal(renderMembers(members.slice(0, 2)), "vm1 10.0.0.1\nvm2 10.0.0.2\n");
  });
});
