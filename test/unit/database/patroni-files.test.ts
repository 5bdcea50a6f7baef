import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import {
  renderAccessRules,
  renderDynamicConfig,
  renderPatroniConfig,
  SWITCHOVER_MARKER,
} from "../../../components/database/patroni-files";

const members = [1, 2, 3].map((n) => ({ name: `vm${n}`, address: `10.0.0.${n}` }));
const settings = {
  ttl: 30,
  loopWait: 10,
  retryTimeout: 7,
  parameters: { max_connections: 70, shared_buffers: "512MB", jit: false },
};
const passwords = { superuser: "s1: #x", replication: "r", rewind: "w", rest: "api" };
const config = {
  cluster: "postgres",
  name: "vm2",
  members,
  etcdAddresses: ["10.0.0.1:2379", "10.0.0.2:2379", "10.0.0.3:2379"],
  passwords,
  settings,
};

describe("patroni.yml", () => {
  it("of one member among three", () => {
    assert.equal(
      renderPatroniConfig(config),
      `scope: postgres
namespace: /trivet/
name: vm2
log:
  level: INFO
  dateformat: "%Y-%m-%dT%H:%M:%S"
restapi:
  listen: 10.0.0.2:8008
  connect_address: 10.0.0.2:8008
  authentication:
    username: patroni
    password: api
ctl:
  authentication:
    username: patroni
    password: api
etcd3:
  hosts:
    - 10.0.0.1:2379
    - 10.0.0.2:2379
    - 10.0.0.3:2379
  protocol: https
  cacert: /etc/trivet/authority.pem
  cert: /etc/trivet/member.pem
  key: /etc/trivet/member-key.pem
bootstrap:
  dcs:
    ttl: 30
    loop_wait: 10
    retry_timeout: 7
    maximum_lag_on_failover: 1048576
    check_timeline: true
    synchronous_mode: quorum
    synchronous_node_count: 1
    failsafe_mode: true
    primary_start_timeout: 10
    primary_stop_timeout: 15
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters:
        max_connections: 70
        shared_buffers: 512MB
        jit: false
  initdb:
    - encoding: UTF8
    - locale-provider: builtin
    - builtin-locale: C.UTF-8
    - locale: C.UTF-8
    - data-checksums
postgresql:
  listen: 10.0.0.2,127.0.0.1:5432
  connect_address: 10.0.0.2:5432
  data_dir: /var/lib/postgresql/data/main
  bin_dir: /usr/lib/postgresql/17/bin
  pgpass: /tmp/pgpass
  use_unix_socket: true
  use_unix_socket_repl: true
  parameters:
    unix_socket_directories: /var/run/postgresql
  authentication:
    superuser:
      username: postgres
      password: "s1: #x"
    replication:
      username: replicator
      password: r
    rewind:
      username: rewinder
      password: w
  pg_hba:
    - local all postgres peer
    - local replication postgres peer
    - local replication replicator trust
    - local all all scram-sha-256
    - host all all 127.0.0.1/32 scram-sha-256
    - host replication replicator 10.0.0.1/32 scram-sha-256
    - host replication replicator 10.0.0.2/32 scram-sha-256
    - host replication replicator 10.0.0.3/32 scram-sha-256
    - host all all 10.0.0.1/32 scram-sha-256
    - host all all 10.0.0.2/32 scram-sha-256
    - host all all 10.0.0.3/32 scram-sha-256
  remove_data_directory_on_rewind_failure: true
  basebackup:
    - checkpoint: fast
  before_stop: sh -c '[ ! -e /tmp/trivet-switchover ] || [ -z "$(find /tmp/trivet-switchover -mmin -1 -delete -print)" ] || { pid=$(head -n 1 /var/lib/postgresql/data/main/postmaster.pid); pg_ctl stop --silent --mode fast --timeout 4 --pgdata /var/lib/postgresql/data/main; for turn in $(seq 50); do [ -e /proc/$pid ] || break; sleep 0.02; done; }'
`,
    );
  });

  it("keeps a password that looks like something else", () => {
    for (const superuser of ["0123", "true", "null", "1e5", "a\nb: c", "*x", " "]) {
      const text = renderPatroniConfig({ ...config, passwords: { ...passwords, superuser } });
      assert.equal(
        (parse(text) as { postgresql: { authentication: { superuser: { password: unknown } } } })
          .postgresql.authentication.superuser.password,
        superuser,
      );
    }
  });
});

describe("what stops Postgres before Patroni does", () => {
  const folder = mkdtempSync(join(tmpdir(), "trivet-before-stop-"));
  const marker = join(folder, "marker");
  after(() => {
    rmSync(folder, { recursive: true });
  });
  /** @param postmaster Its process; one that has ended by default. */
  const run = (postmaster = 2 ** 30): string => {
    const { postgresql } = parse(renderPatroniConfig(config)) as {
      postgresql: { before_stop: string };
    };
    assert.match(postgresql.before_stop, /^sh -c '[^']+'$/, "Patroni starts it without a shell");
    writeFileSync(join(folder, "pg_ctl"), `#!/bin/sh\necho "$@"\n`);
    chmodSync(join(folder, "pg_ctl"), 0o755);
    writeFileSync(join(folder, "postmaster.pid"), `${postmaster}\n/var/lib\n`);
    const command = postgresql.before_stop
      .replaceAll(SWITCHOVER_MARKER, marker)
      .replaceAll("/var/lib/postgresql/data/main", folder);
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { env, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    assert.equal(stderr, "");
    return stdout;
  };

  it("is nothing at other times than a switchover", () => {
    assert.equal(run(), "");
  });

  it("is pg_ctl in a switchover, once", () => {
    writeFileSync(marker, "");
    assert.equal(run(), `stop --silent --mode fast --timeout 4 --pgdata ${folder}\n`);
    assert.ok(!existsSync(marker));
    assert.equal(run(), "");
  });

  it("waits for the process to end, but not for ever", () => {
    writeFileSync(marker, "");
    const started = performance.now();
    run(process.pid);
    assert.ok(performance.now() - started > 900);
  });

  it("is nothing where a switchover was asked for long ago", () => {
    writeFileSync(marker, "");
    const twoMinutesAgo = Date.now() / 1000 - 120;
    utimesSync(marker, twoMinutesAgo, twoMinutesAgo);
    assert.equal(run(), "");
  });
});

describe("the dynamic configuration", () => {
  it("acknowledges with a quorum and fences with the lease", () => {
    assert.deepEqual(renderDynamicConfig(settings), {
      ttl: 30,
      loop_wait: 10,
      retry_timeout: 7,
      maximum_lag_on_failover: 1_048_576,
      check_timeline: true,
      synchronous_mode: "quorum",
      synchronous_node_count: 1,
      failsafe_mode: true,
      primary_start_timeout: 10,
      primary_stop_timeout: 15,
      postgresql: {
        use_pg_rewind: true,
        use_slots: true,
        parameters: { max_connections: 70, shared_buffers: "512MB", jit: false },
      },
    });
  });
});

describe("pg_hba.conf", () => {
  it("of one machine lets nobody in from elsewhere", () => {
    assert.deepEqual(renderAccessRules([{ name: "vm1", address: "10.0.0.1" }]), [
      "local all postgres peer",
      "local replication postgres peer",
      "local replication replicator trust",
      "local all all scram-sha-256",
      "host all all 127.0.0.1/32 scram-sha-256",
      "host replication replicator 10.0.0.1/32 scram-sha-256",
      "host all all 10.0.0.1/32 scram-sha-256",
    ]);
  });

  it("lets clients log in behind the members, and not replicate", () => {
    assert.deepEqual(
      renderAccessRules([{ name: "vm1", address: "10.0.0.1" }], ["10.0.0.4", "10.0.0.5"]).slice(5),
      [
        "host replication replicator 10.0.0.1/32 scram-sha-256",
        "host all all 10.0.0.1/32 scram-sha-256",
        "host all all 10.0.0.4/32 scram-sha-256",
        "host all all 10.0.0.5/32 scram-sha-256",
      ],
    );
  });

  it("never trusts the network", () => {
    for (const rule of renderAccessRules(members, ["10.0.0.4"])) {
      if (rule.startsWith("host")) assert.match(rule, / \d+\.\d+\.\d+\.\d+\/32 scram-sha-256$/);
      // Only Patroni itself, and only over the socket inside the container.
      if (rule === "local replication replicator trust") continue;
      assert.doesNotMatch(rule, /trust|md5|password/);
    }
  });
});
