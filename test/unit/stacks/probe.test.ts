import assert from "node:assert/strict";
import { classify, type Finding } from "../../../stacks/probe";
import { unusable } from "../../../stacks/reachable";
import { parsed } from "./config/fixture";
import { KEY } from "./config/pem";

const CHANGED = `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
The fingerprint for the ED25519 key sent by the remote host is\r
SHA256:Zj0Ja2zsFLWFM4RbqCDPFg9TZb0KCxBTvDP8gpTLXF0.\r
Please contact your system administrator.\r
Host key verification failed.\r
`;

/** Exit code and output of ssh, as OpenSSH 8 to 10 write it, and what it means. */
const ENDINGS: readonly (readonly [number | null, string, Finding["state"], string])[] = [
  [0, "", "answers", ""],
  [null, "", "silent", "no answer within 20 s"],
  [255, CHANGED, "otherHostKey", "SHA256:Zj0Ja2zsFLWFM4RbqCDPFg9TZb0KCxBTvDP8gpTLXF0"],
  [
    255,
    "No ED25519 host key is known for 203.0.113.7 and you have requested strict checking.\r\nHost key verification failed.\r\n",
    "otherHostKey",
    "",
  ],
  [
    255,
    "ops@vm: Permission denied (publickey).\r\n",
    "loginRefused",
    "ops@vm: Permission denied (publickey).",
  ],
  [
    255,
    "Received disconnect from 203.0.113.7 port 22:2: Too many authentication failures\r\nDisconnected from 203.0.113.7 port 22\r\n",
    "loginRefused",
    "Disconnected from 203.0.113.7 port 22",
  ],
  ...[
    "ssh: connect to host 203.0.113.7 port 22: Connection refused",
    "ssh: connect to host 203.0.113.7 port 22: Connection timed out",
    "ssh: connect to host 203.0.113.7 port 22: No route to host",
    "ssh: connect to host 203.0.113.7 port 22: Network is unreachable",
    "ssh: Could not resolve hostname vm.example: Name or service not known",
    "kex_exchange_identification: Connection closed by remote host",
    "Connection reset by 203.0.113.7 port 22",
    "Connection to 203.0.113.7 port 22 timed out",
  ].map((line) => [255, `${line}\r\n`, "silent", line] as const),
  [
    255,
    "Unable to negotiate with 203.0.113.7 port 22: no matching host key type found. Their offer: ssh-dss",
    "failed",
    "Unable to negotiate with 203.0.113.7 port 22: no matching host key type found. Their offer: ssh-dss",
  ],
  [255, "", "failed", "no reason given"],
  [1, "sudo: a password is required\n", "notRoot", "sudo: a password is required"],
  [
    142,
    'Please login as the user "ubuntu" rather than the user "root".\n\n',
    "notRoot",
    'Please login as the user "ubuntu" rather than the user "root".',
  ],
  [1, `\u001b[31m${"x".repeat(300)}`, "notRoot", `[31m${"x".repeat(196)}`],
];

describe("what ssh's end means", () => {
  for (const [code, output, state, said] of ENDINGS) {
    it(`${state}: ${said === "" ? "nothing more" : said.slice(0, 60)}`, () => {
      assert.deepEqual(classify(code, output), { state, said });
    });
  }
});

describe("machines that cannot be used", () => {
  const told = (finding: Finding, ssh = {}) =>
    unusable(parsed({ "machines.vm1.user": "ops", ...ssh }), { vm1: finding });

  it("are none where all answer", () => {
    assert.deepEqual(told({ state: "answers", said: "" }), []);
  });

  it("are named with their address and with what to do", () => {
    const start = "trivet:machines.vm1 (192.0.2.1 port 22): ";
    assert.deepEqual(told({ state: "silent", said: "Connection refused" }), [
      `${start}does not answer (Connection refused). Start it, mend trivet:machines.vm1.address or port, or let this machine through the firewalls between`,
    ]);
    assert.deepEqual(told({ state: "otherHostKey", said: "SHA256:x" }), [
      `${start}shows another host key (SHA256:x) than trivet:machines.vm1.hostKey. If the machine was made anew, compare \`ssh-keyscan -t ed25519 -p 22 192.0.2.1\` with what its provider shows and put that there; if not, somebody may be in between`,
    ]);
    assert.deepEqual(told({ state: "notRoot", said: "sudo: a password is required" }), [
      `${start}lets ops in, but not be root (sudo: a password is required). Let ops use sudo without a password, or mend trivet:machines.vm1.user`,
    ]);
    assert.deepEqual(told({ state: "failed", said: "no reason given" }), [
      `${start}cannot be signed in to (no reason given). Mend it, or trivet:machines.vm1`,
    ]);
  });

  for (const [setting, ssh] of [
    ["trivet:ssh.agent", {}],
    ["trivet:ssh.privateKey", { ssh: { privateKey: KEY } }],
    ["trivet:ssh.privateKeyPath", { ssh: { privateKeyPath: "~/.ssh/id" } }],
  ] as const) {
    it(`name ${setting} where the key comes from there`, () => {
      const [line = ""] = told({ state: "loginRefused", said: "Permission denied" }, ssh);
      assert.ok(line.includes(`does not let ops in with the key of ${setting} (`), line);
      assert.ok(line.endsWith(`or mend trivet:machines.vm1.user or ${setting}`), line);
    });
  }
});
