import assert from "node:assert/strict";
import { parseVersions, renderVersions } from "../../../../scripts/operator/versions";

describe("versions in trivet status", () => {
  it("are read from what each program says", () => {
    const said = `web 2/2
version patroni {"state": "running", "server_version": 170006, "patroni": {"version": "4.0.7", "scope": "postgres"}}
version pgBouncer PgBouncer 1.24.1
version etcd etcd Version: 3.5.16
version HAProxy HAProxy version 3.0.11-1+deb13u5 2026/11/18 - https://haproxy.org/
version nginx nginx version: nginx/1.30.6
version Valkey Error response from daemon: container is not running
`;
    assert.deepEqual(parseVersions(said), {
      Postgres: "17.6",
      Patroni: "4.0.7",
      etcd: "3.5.16",
      HAProxy: "3.0.11",
      pgBouncer: "1.24.1",
      nginx: "1.30.6",
    });
    assert.deepEqual(parseVersions(""), {});
  });

  it("stay within 80 columns", () => {
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`program${i}`, "1.2.3"]));
    const lines = renderVersions(many);
    assert.ok(lines.length > 1 && lines.every((line) => line.length <= 80), lines.join("\n"));
    assert.deepEqual(renderVersions({}), []);
  });
});
