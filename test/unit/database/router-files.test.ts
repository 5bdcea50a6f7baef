import assert from "node:assert/strict";
import { renderRouterConfig } from "../../../components/database/router-files";

const text = (bind: (port: number) => string, servers: string, maxConnections: number) => `global
  maxconn ${maxConnections}
  hard-stop-after 10m
  stats socket /tmp/haproxy.sock mode 600 level admin

defaults
  mode tcp
  timeout connect 2s
  timeout check 1s
  timeout client 24h
  timeout server 24h
  option clitcpka
  option srvtcpka
  option abortonclose
  default-server inter 500ms fastinter 100ms downinter 500ms fall 4 rise 1 on-marked-down shutdown-sessions

frontend primary
${bind(5000)}
  default_backend primary

frontend standby
${bind(5001)}
  use_backend standby if { nbsrv(standby) gt 0 }
  default_backend primary

backend primary
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server downinter 250ms fall 5
${servers}

backend standby
  balance leastconn
  option httpchk OPTIONS /replica?lag=16MB
  http-check expect status 200
${servers}

frontend stats
  bind 127.0.0.1:7000
  mode http
  timeout client 10s
  stats enable
  stats uri /
`;

describe("haproxy.cfg", () => {
  it("of one machine", () => {
    const servers = [{ name: "vm1", address: "10.0.0.1" }];
    assert.equal(
      renderRouterConfig(["127.0.0.1"], servers, 4000),
      text(
        (port) => `  bind 127.0.0.1:${port}`,
        "  server vm1 10.0.0.1:5432 check port 8008",
        4000,
      ),
    );
  });

  it("of three machines", () => {
    const servers = [1, 2, 3].map((n) => ({ name: `vm${n}`, address: `10.0.0.${n}` }));
    assert.equal(
      renderRouterConfig(["127.0.0.1", "10.0.0.2", "10.212.0.1"], servers, 100),
      text(
        (port) => `  bind 127.0.0.1:${port}\n  bind 10.0.0.2:${port}\n  bind 10.212.0.1:${port}`,
        `  server vm1 10.0.0.1:5432 check port 8008
  server vm2 10.0.0.2:5432 check port 8008
  server vm3 10.0.0.3:5432 check port 8008`,
        100,
      ),
    );
  });
});
