import assert from "node:assert/strict";
import {
  renderDumpService,
  renderDumpTimer,
  renderKnownHosts,
} from "../../../components/backup/dump-files";

const COPY = {
  address: "2001:db8::9",
  port: 22,
  user: "keeper",
  hostKey: "ssh-ed25519 AAAA comment",
  path: "/srv/dumps",
};

describe("files of the dump", () => {
  it("the service, to the letter", () => {
    const settings = {
      machine: "vm1",
      service: "postgres-vm1",
      database: "app",
      keepDays: 14,
      members: ["10.0.0.1:8008", "10.0.0.2:8008", "10.0.0.3:8008"],
      copyTo: COPY,
    };
    assert.equal(
      renderDumpService(settings),
      `# Written by Trivet: changes made here are overwritten.
[Unit]
Description=Dump of the application's database
After=docker.service network-online.target
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=/bin/bash /etc/trivet/dump/dump.sh /var/lib/trivet/dumps vm1 postgres-vm1 app 14 10.0.0.1:8008 10.0.0.2:8008,10.0.0.3:8008 300 keeper@2001:db8::9 22 /srv/dumps
Nice=10
IOSchedulingClass=idle
PrivateTmp=yes
TimeoutStartSec=12h
`,
    );
  });

  it("the timer, to the letter", () => {
    assert.equal(
      renderDumpTimer("02:30"),
      `# Written by Trivet: changes made here are overwritten.
[Unit]
Description=Nightly dump of the application's database

[Timer]
OnCalendar=*-*-* 02:30:00 UTC
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
`,
    );
  });

  it("known_hosts as ssh looks it up", () => {
    assert.equal(renderKnownHosts(COPY), "2001:db8::9 ssh-ed25519 AAAA\n");
    assert.equal(renderKnownHosts({ ...COPY, port: 23 }), "[2001:db8::9]:23 ssh-ed25519 AAAA\n");
  });
});
