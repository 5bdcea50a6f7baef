import assert from "node:assert/strict";
import fc from "fast-check";
import {
  POOLER_ADMIN,
  renderPoolerConfig,
  renderUserList,
} from "../../../components/database/pgbouncer-files";
import { problemsOf } from "../support/outputs";

describe("pgbouncer.ini", () => {
  it("leads to the router of its own machine", () => {
    const limits = { size: 20, maxClients: 1000, waitSeconds: 45 };
    assert.equal(
      renderPoolerConfig(["127.0.0.1", "10.0.0.1", "10.212.0.1"], "shop", limits),
      `[databases]
shop = host=127.0.0.1 port=5000 dbname=shop
shop_read = host=127.0.0.1 port=5001 dbname=shop

[pgbouncer]
listen_addr = 127.0.0.1,10.0.0.1,10.212.0.1
listen_port = 6432
unix_socket_dir =
auth_type = scram-sha-256
auth_file = /etc/trivet/userlist.txt
admin_users = trivet_pooler
pool_mode = transaction
default_pool_size = 20
max_client_conn = 1000
query_wait_timeout = 45
max_prepared_statements = 200
ignore_startup_parameters = extra_float_digits
server_login_retry = 1
server_connect_timeout = 3
server_check_delay = 5
server_lifetime = 300
tcp_keepidle = 10
tcp_keepintvl = 3
tcp_keepcnt = 3
tcp_user_timeout = 10000
listen_backlog = 4096
log_connections = 0
log_disconnections = 0
`,
    );
  });
});

describe("userlist.txt", () => {
  it("doubles quotes", () => {
    const users = { app: `p"w\\'é `, [POOLER_ADMIN]: '""' };
    assert.equal(renderUserList(users), `"app" "p""w\\'é "\n"trivet_pooler" """"""\n`);
    assert.equal(renderUserList({}), "");
  });

  it("is read back as it was given", () => {
    // What pgBouncer's load_auth_file does: a word ends at a quote that is not doubled.
    const read = (text: string) =>
      [...text.matchAll(/"((?:[^"]|"")*)" "((?:[^"]|"")*)"\n/g)].map((match) =>
        match.slice(1).map((word) => word.replaceAll('""', '"')),
      );
    const word = fc.string({ minLength: 1 }).filter((text) => !/\p{Cc}/u.test(text));
    fc.assert(
      fc.property(fc.dictionary(word, word), (users) => {
        assert.deepEqual(read(renderUserList(users)), Object.entries(users));
      }),
    );
  });

  it("refuses what would be another line, and does not tell the password", () => {
    assert.deepEqual(
      problemsOf(() => renderUserList({ "a\nb": "x", app: 'y"\n"root" "z' })),
      [
        "  - user: has a line break or another control character",
        "  - password of app: has a line break or another control character",
      ],
    );
  });
});
