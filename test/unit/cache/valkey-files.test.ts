import assert from "node:assert/strict";
import { renderMembers, renderValkeyConfig } from "../../../components/cache/valkey-files";
import { problemsOf } from "../support/outputs";

const config = { address: "10.0.0.1", password: 'p"w\\', memoryMiB: 128, replicas: 0 };
const text = (withReplicas: string) => `bind 127.0.0.1 10.0.0.1
port 6379
protected-mode yes
requirepass "p\\"w\\\\"
primaryauth "p\\"w\\\\"
dir /var/lib/valkey-data
appendonly yes
appendfsync everysec
save ""
maxmemory 128mb
maxmemory-policy volatile-lru
replica-announce-ip 10.0.0.1
replica-read-only yes
repl-ping-replica-period 3
repl-timeout 20
repl-diskless-sync-delay 0
${withReplicas}tcp-backlog 4096
tcp-keepalive 60
maxclients 10000
loglevel notice
`;

describe("valkey.conf", () => {
  it("of a server alone takes writes without a replica", () => {
    assert.equal(renderValkeyConfig(config), text(""));
  });

  it("of one among several takes none that no replica gets", () => {
    assert.equal(
      renderValkeyConfig({ ...config, replicas: 2 }),
      text("min-replicas-to-write 1\nmin-replicas-max-lag 5\n"),
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

describe("members", () => {
  it("begin with the machine itself", () => {
    assert.equal(
      renderMembers("10.0.0.2", ["10.0.0.1", "10.0.0.2"]),
      "10.0.0.2\n10.0.0.1\n10.0.0.2\n",
    );
  });
});
