import assert from "node:assert/strict";
import {
  isInterfaceName,
  priorityOf,
  renderKeepalived,
  silenceNotes,
} from "../../../components/entry/keepalived-files";

describe("keepalived.conf", () => {
  const settings = {
    own: "10.0.0.12",
    peers: ["10.0.0.11", "10.0.0.13"],
    address: "10.0.0.100",
    prefixLength: 32,
    routerId: 51,
    priority: 240,
    password: "Passw0rd",
    checkHost: "example.org",
  };

  it("is this", () => {
    assert.equal(
      renderKeepalived(settings),
      `# Written by Trivet: changes made here are overwritten.
global_defs {
  enable_script_security
  script_user root
}

vrrp_script nginx {
  script "/etc/trivet/entry/check.sh 10.0.0.12 example.org"
  interval 1
  timeout 3
  fall 2
  rise 2
  init_fail
}

vrrp_instance entry {
  state BACKUP
  nopreempt
  interface @OWN_INTERFACE@
  virtual_router_id 51
  priority 240
  advert_int 1
  unicast_src_ip 10.0.0.12
  unicast_peer {
    10.0.0.11
    10.0.0.13
  }
  check_unicast_src
  authentication {
    auth_type PASS
    auth_pass Passw0rd
  }
  virtual_ipaddress {
    10.0.0.100/32 dev @ADDRESS_INTERFACE@
  }
  track_script {
    nginx
  }
  garp_master_delay 1
  garp_master_refresh 1
}`,
    );
  });

  it("has one peer on a line, however many there are", () => {
    const peers = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
    const [, block = ""] =
      /unicast_peer \{\n([^}]*)\}/.exec(renderKeepalived({ ...settings, peers })) ?? [];
    const lines = block.split("\n").map((line) => line.trim());
    assert.deepEqual(lines, [...peers, ""]);
  });

  it("gives every machine another priority, none of them VRRP's own", () => {
    const priorities = Array.from({ length: 20 }, (_, i) => priorityOf(i));
    assert.deepEqual(priorities.slice(0, 3), [250, 240, 230]);
    assert.equal(new Set(priorities).size, 20);
    assert.ok(priorities.every((priority) => priority >= 1 && priority <= 254));
  });
});

describe("what is told of a machine without nginx", () => {
  it("names it, and none that answers or was left out", () => {
    const machines = ["vm1", "vm2", "vm3", "vm4"].map((name) => ({ name }));
    const printed = ["answers", "Setting up keepalived …\nsilent\n", "", "silent"];
    assert.deepEqual(
      silenceNotes(machines, "example.org", printed),
      ["vm2", "vm4"].map(
        (name) =>
          `${name}: nginx did not answer for example.org when keepalived was set up: the address comes to that machine only once it does`,
      ),
    );
  });
});

describe("the name of an interface", () => {
  for (const name of ["eth1", "enp3s0f0", "eth0.100", "bond0", "br-lan", "a-name-of-15-ch"]) {
    it(`may be ${name}`, () => {
      assert.ok(isInterfaceName(name));
    });
  }
  for (const name of ["", "eth0:1", "eth 1", "eth1\n", "eth1}", "-eth1", "a-name-of-16-cha"]) {
    it(`is not ${JSON.stringify(name)}`, () => {
      assert.ok(!isInterfaceName(name));
    });
  }
});
