import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabSandbox } from "./bash.js";

describe("lab inventory", () => {
  let sandbox: LabSandbox;
  beforeEach(() => {
    sandbox = new LabSandbox();
  });
  afterEach(() => {
    sandbox.remove();
  });

  it("names each machine with address, login and host key, and is JSON", () => {
    const state = join(sandbox.cache, "labs/test");
    mkdirSync(join(state, "keys"), { recursive: true });
    for (const vm of ["vm1", "vm2"]) {
      writeFileSync(join(state, "keys", `${vm}.pub`), `ssh-ed25519 AAAA${vm}+/= ${vm}\n`);
    }
    const { status, stderr } = sandbox.functions("write_inventory vm1 vm2");
    assert.equal(status, 0, stderr);

    const machine = (vm: string, address: string): object => ({
      address,
      privateAddress: address,
      port: 22,
      user: "ops",
      hostKey: `ssh-ed25519 AAAA${vm}+/=`,
    });
    assert.deepEqual(JSON.parse(readFileSync(join(state, "inventory.json"), "utf8")), {
      lab: "test",
      subnet: "10.77.3.0/24",
      gateway: "10.77.3.1",
      registry: "http://10.77.3.2:5000",
      machines: { vm1: machine("vm1", "10.77.3.11"), vm2: machine("vm2", "10.77.3.12") },
      privateKeyPath: join(state, "keys/lab"),
      knownHostsPath: join(state, "known_hosts"),
    });
    assert.equal(
      readFileSync(join(state, "known_hosts"), "utf8"),
      "10.77.3.11 ssh-ed25519 AAAAvm1+/=\n10.77.3.12 ssh-ed25519 AAAAvm2+/=\n",
    );
  });

  it("passes over a subnet that this machine routes already", () => {
    const routes =
      "default via 192.0.2.1 dev eth0\n10.77.0.0/24 dev trivet0 proto kernel\n10.77.12.5 dev tun0\n";
    const taken = (subnet: string): boolean =>
      sandbox.functions(`subnet_is_routed ${subnet}`, routes).status === 0;
    assert.equal(taken("10.77.0.0/24"), true);
    assert.equal(taken("10.77.12.0/24"), true);
    assert.equal(taken("10.77.1.0/24"), false);
  });
});
