import assert from "node:assert/strict";
import { renderRules, type RuleArgs } from "../../../components/machine/rules";

const ARGS: RuleArgs = {
  sshPort: 22,
  sshFrom: ["0.0.0.0/0", "::/0"],
  publicPorts: [443, 80],
  machines: ["10.0.0.2", "10.0.0.1"],
  extraPeers: ["fd00::/8", "10.9.0.0/16"],
  containerSubnets: ["10.212.0.0/24"],
  sharedAddresses: ["10.0.0.100"],
};

const RULES = `# Written by Trivet: changes made here are overwritten.
table inet trivet
delete table inet trivet
table inet trivet {
  set ssh4 {
    type ipv4_addr
    flags interval
    auto-merge
  }

  set ssh6 {
    type ipv6_addr
    flags interval
    auto-merge
  }

  set machines4 {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { 10.0.0.1, 10.0.0.100, 10.0.0.2 }
  }

  set peers4 {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { 10.0.0.1, 10.0.0.2, 10.9.0.0/16 }
  }

  set peers6 {
    type ipv6_addr
    flags interval
    auto-merge
    elements = { fd00::/8 }
  }

  set containers4 {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { 10.212.0.0/24 }
  }

  chain ssh {
    meta nfproto ipv4 accept
    meta nfproto ipv6 accept
    ip saddr @peers4 accept
    ip6 saddr @peers6 accept
    drop
  }

  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    tcp dport 22 goto ssh
    ct state established,related accept
    ct state invalid drop
    icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept
    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
    icmpv6 type { echo-request, mld-listener-query } accept
    icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
    meta nfproto ipv4 udp sport 67 udp dport 68 accept
    ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
    tcp dport { 80, 443 } accept
    ip saddr @peers4 accept
    ip6 saddr @peers6 accept
    iifname "docker_gwbridge" ip saddr @containers4 tcp dport { 5000, 5001, 6380, 6432 } accept
  }

  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    meta l4proto tcp ct status dnat ct original proto-dst { 80, 443 } accept
    ct status dnat ip saddr @peers4 accept
    ct status dnat ip6 saddr @peers6 accept
    ip daddr @machines4 tcp dport != { 80, 443, 5000, 5001, 6380, 6432 } drop
    ip daddr @machines4 meta l4proto != tcp drop
    iifname "docker0" accept
    iifname "docker_gwbridge" accept
    iifname "br-*" accept
  }
}`;

describe("rules of the firewall", () => {
  it("are these", () => {
    assert.equal(renderRules(ARGS), RULES);
  });

  it("let the machines speak every protocol to each other, VRRP as well", () => {
    const [, input = ""] =
      /chain input \{([^}]*(?:\{[^}]*\}[^}]*)*)\n {2}\}/.exec(renderRules(ARGS)) ?? [];
    assert.match(input, /\n {4}ip saddr @peers4 accept\n/);
    assert.doesNotMatch(input, /l4proto|ip protocol/);
  });

  it("let SSH in only from the networks given", () => {
    const rules = renderRules({
      ...ARGS,
      sshPort: 2222,
      sshFrom: ["203.0.113.7", "2001:db8::/32"],
    });
    assert.match(rules, /set ssh4 \{[^}]*elements = \{ 203\.0\.113\.7 \}/);
    assert.match(rules, /set ssh6 \{[^}]*elements = \{ 2001:db8::\/32 \}/);
    assert.match(rules, /chain ssh \{\n    ip saddr @ssh4 accept\n    ip6 saddr @ssh6 accept\n/);
    assert.match(rules, /iifname "lo" accept\n    tcp dport 2222 goto ssh\n    ct state/);
  });

  it("judge each family of its own", () => {
    const rules = renderRules({ ...ARGS, sshFrom: ["0.0.0.0/0"] });
    assert.match(rules, /chain ssh \{\n    meta nfproto ipv4 accept\n    ip6 saddr @ssh6 accept\n/);
  });

  it("open no port to everybody when none is given", () => {
    const rules = renderRules({ ...ARGS, publicPorts: [] });
    assert.doesNotMatch(rules, /proto-dst|\{ 80/);
    assert.match(rules, /ip daddr @machines4 tcp dport != \{ 5000, 5001, 6380, 6432 \} drop/);
  });
});
