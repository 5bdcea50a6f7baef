import assert from "node:assert/strict";
import { renderCacheRouterConfig } from "../../../components/cache/valkey-router-files";
import { problemsOf } from "../support/outputs";

const servers = [1, 2, 3].map((n) => ({ name: `vm${n}`, address: `10.0.0.${n}` }));
const config = {
  listenAddresses: ["127.0.0.1", "10.0.0.2"],
  servers,
  password: "Secret0815",
  maxConnections: 4000,
};
const text = (expected: string, list: string) => `global
  maxconn 4000
  hard-stop-after 10m

defaults
  mode tcp
  timeout connect 2s
  timeout check 1s
  timeout client 24h
  timeout server 24h
  option clitcpka
  option srvtcpka
  option abortonclose
  default-server inter 1s fastinter 300ms downinter 500ms fall 2 rise 1 on-marked-down shutdown-sessions

frontend cache
  bind 127.0.0.1:6380
  bind 10.0.0.2:6380
  tcp-request connection reject if { nbsrv(primary) gt 1 }
  default_backend primary

backend primary
  option tcp-check
  tcp-check send "AUTH Secret0815\\r\\nINFO replication\\r\\nQUIT\\r\\n"
  tcp-check expect rstring '${expected}'
${list}`;

/** What a server of Valkey 8.1 answers, as it was read from one. */
const info = (role: string, ...replicas: string[]) =>
  [
    ...["+OK", "$300", "# Replication", `role:${role}`, `connected_slaves:${replicas.length}`],
    ...replicas.map((replica, i) => `slave${i}:ip=10.0.0.${i + 2},port=6379,${replica}`),
    ...["replicas_waiting_psync:0", "master_failover_state:no-failover", "+OK", ""],
  ].join("\r\n");

describe("haproxy.cfg of Valkey's router", () => {
  it("leads to a server alone as long as that is primary", () => {
    assert.equal(
      renderCacheRouterConfig({ ...config, servers: servers.slice(0, 1) }),
      text("role:master", "  server vm1 10.0.0.1:6379 check\n"),
    );
  });

  it("leads to the one of several that a replica follows", () => {
    assert.equal(
      renderCacheRouterConfig(config),
      text(
        "(?s)role:master.*,state=online,offset=[0-9]+,lag=[0-5],",
        "  server vm1 10.0.0.1:6379 check\n  server vm2 10.0.0.2:6379 check\n  server vm3 10.0.0.3:6379 check\n",
      ),
    );
  });

  it("takes no server for the primary that only believes so", () => {
    const found = /rstring '\(\?s\)(.*)'$/m.exec(renderCacheRouterConfig(config))?.[1] ?? "";
    const expected = new RegExp(found, "s");
    const online = "state=online,offset=154,lag=1,type=replica";
    const silent = "state=online,offset=154,lag=12,type=replica";
    assert.match(info("master", online), expected);
    assert.match(info("master", silent, online), expected);
    assert.doesNotMatch(info("master"), expected);
    assert.doesNotMatch(info("master", silent), expected);
    assert.doesNotMatch(info("master", "state=send_bulk,offset=0,lag=0,type=replica"), expected);
    assert.doesNotMatch(info("slave", online), expected);
    assert.doesNotMatch("-WRONGPASS invalid\r\n-NOAUTH Authentication required.\r\n", expected);
  });

  it("refuses a password that HAProxy would read otherwise, and tells none of it", () => {
    for (const password of ["", "a b", 'a"b', "a\\x", "a'b", "$HOME", "a#b"]) {
      assert.deepEqual(
        problemsOf(() => renderCacheRouterConfig({ ...config, password, servers: [] })),
        [
          "  - password: must be letters, digits, - and _ alone",
          "  - servers: is empty, needs at least one entry",
        ],
      );
    }
  });
});
