import assert from "node:assert/strict";
import { renderValkeyConfig } from "../../../components/cache/valkey-files";
import { problemsOf } from "../support/outputs";

const config = { listenAddresses: ["127.0.0.1", "10.0.0.1"], password: 'p"w\\', memoryMiB: 128 };
const text = (replica: string) => `bind 127.0.0.1 10.0.0.1
port 6379
protected-mode yes
requirepass "p\\"w\\\\"
primaryauth "p\\"w\\\\"
${replica}dir /var/lib/valkey-data
appendonly yes
appendfsync everysec
save ""
maxmemory 128mb
maxmemory-policy volatile-lru
tcp-backlog 4096
tcp-keepalive 60
maxclients 10000
loglevel notice
`;

describe("valkey.conf", () => {
  it("of the primary", () => {
    assert.equal(renderValkeyConfig(config), text(""));
  });

  it("of a replica", () => {
    assert.equal(
      renderValkeyConfig({ ...config, primaryAddress: "10.0.0.9" }),
      text("replicaof 10.0.0.9 6379\n"),
    );
  });

  it("refuses a password that would be more than one word, and tells none of it", () => {
    for (const password of ["", "a b", "a\nb", "hunter2é", "\t"]) {
      assert.deepEqual(
        problemsOf(() => renderValkeyConfig({ ...config, password, memoryMiB: 15 })),
        [
          "  - password: has a blank or a control character",
          "  - memoryMiB: is 15, must be a whole number from 16 to 65536",
        ],
      );
    }
  });
});
