import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../../../components/core/host";
import { rolling } from "../../../components/core/rolling";
import { host, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

describe("rolling", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  /** Whom each member waits for. */
  function order(...hosts: Host[]): Record<string, string[]> {
    const names = new Map<pulumi.Resource, string>();
    const waits: Record<string, string[]> = {};
    rolling(hosts, ({ name }, after) => {
      waits[name] = after.map((member) => names.get(member) ?? "?");
      const member = new pulumi.ComponentResource("test:core:Member", name);
      names.set(member, name);
      return member;
    });
    return waits;
  }
  const known = (n: number): Host => ({ ...host(`vm${n}`, n), isNew: false });
  const added = (n: number): Host => ({ ...host(`vm${n}`, n), isNew: true });

  it("lets members that were there wait for each other", () => {
    assert.deepEqual(order(known(1), known(2), known(3)), { vm1: [], vm2: ["vm1"], vm3: ["vm2"] });
  });

  it("makes the primary's member the last one, and keeps the order of what it returns", () => {
    const primary = { ...known(1), hasPrimary: true };
    const hosts = [primary, known(2), known(3)];
    assert.deepEqual(order(...hosts), { vm1: ["vm3"], vm2: [], vm3: ["vm2"] });
    const names = rolling(hosts, ({ name }) =>
      Object.assign(new pulumi.ComponentResource("test:core:Member", name), { machine: name }),
    ).map(({ machine }) => machine);
    assert.deepEqual(names, ["vm1", "vm2", "vm3"]);
  });

  it("lets new ones wait for nobody, and nobody wait for them", () => {
    const waits = { vm1: [], vm2: [], vm3: ["vm1"] };
    assert.deepEqual(order(known(1), added(2), known(3)), waits);
    assert.deepEqual(order(host("vm1", 1), host("vm2", 2)), { vm1: [], vm2: [] });
  });
});
