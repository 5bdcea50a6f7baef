import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { filesIn } from "../support/script-input";
import { valueOf } from "../support/outputs";
import { Program, THREE } from "../stacks/program";

describe("the platform with a floating address", () => {
  let program: Program;
  beforeEach(() => {
    program = new Program();
  });
  afterEach(() => {
    program.remove();
  });

  it("leads users to it, on core machines alone, once nginx runs there", async () => {
    const entry = { address: "10.0.0.100", interface: "eth1", routerId: 7 };
    const { addresses } = await program.run({ machines: THREE, entry });
    const { engine } = program;
    assert.deepEqual(await valueOf(pulumi.output(addresses)), ["10.0.0.100"]);
    const made = engine.names().filter((name) => name.startsWith("entry"));
    const scripts = ["vm1", "vm2", "vm3"].map((machine) => `entry-${machine}-keepalived`);
    assert.deepEqual(made, ["entry", "entry-password", ...scripts]);
    for (const name of scripts) {
      assert.ok(engine.get(name).dependsOn.includes("nginx-vm3"), name);
      assert.deepEqual(engine.script(name).words.slice(2, 4), ["eth1", "example.org"]);
    }
    // nginx answers it for the host that the check asks for.
    const nginx = filesIn(engine.script("nginx-vm1-files").data);
    const conf = nginx["/etc/trivet/nginx/nginx.conf"]?.content ?? "";
    assert.match(
      conf,
      /listen 80;\n {4}server_name example\.org;\n {4}location = \/\.trivet\/ready /,
    );
  });

  it("asks nginx for an IPv6 address as it stands in a request", async () => {
    const domains = ["2001:db8::1"];
    const none = { "services.web": { image: "a" }, "services.api": { image: "a", routes: [] } };
    const entry = { address: "10.0.0.100" };
    await program.run({ machines: THREE, domains, entry, ...none });
    const { words } = program.engine.script("entry-vm1-keepalived");
    assert.deepEqual(words.slice(2, 4), ["", "[2001:db8::1]"]);
  });

  it("has none without the setting", async () => {
    const { addresses } = await program.run({ machines: THREE });
    assert.deepEqual(await valueOf(pulumi.output(addresses)), [
      "192.0.2.1",
      "192.0.2.2",
      "192.0.2.3",
    ]);
    assert.deepEqual(program.engine.namesOf("trivet:entry:FloatingAddress"), []);
  });
});
