import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { cacheFolder, readInventory, withInventory } from "../../../../scripts/stack/stack-config";

const machine = (n: number) => ({
  address: `10.77.0.${n}`,
  privateAddress: `10.77.0.${n}`,
  port: 22,
  user: "root",
  hostKey: `ssh-ed25519 AAAA${n}`,
});
const inventory = {
  registry: "http://10.77.0.1:5000",
  privateKeyPath: "/cache/labs/local/id",
  machines: { vm1: machine(11), vm2: machine(12) },
};
const configOf = (text: string) =>
  z.object({ config: z.record(z.string(), z.unknown()) }).parse(parse(text)).config;

describe("withInventory", () => {
  const text = `# Why this stack is there.
config:
  trivet:cloud: ssh
  trivet:machines:
    all:
      memoryMiB: 4096
      cores: 2
  trivet:services:
    web: { image: shop } # kept
`;

  it("fills in what only the lab knows", () => {
    assert.deepEqual(configOf(withInventory(text, inventory)), {
      "trivet:cloud": "ssh",
      "trivet:machines": {
        vm1: { ...machine(11), memoryMiB: 4096, cores: 2 },
        vm2: { ...machine(12), memoryMiB: 4096, cores: 2 },
      },
      "trivet:services": { web: { image: "shop" } },
      "trivet:ssh": { privateKeyPath: "/cache/labs/local/id" },
      "trivet:domains": ["10.77.0.11"],
      "trivet:docker": {
        registryMirrors: ["http://10.77.0.1:5000"],
        insecureRegistries: ["10.77.0.1:5000"],
      },
      "trivet:images": { registry: { address: "10.77.0.1:5000/trivet", push: true } },
    });
  });

  it("keeps comments, and needs no common part", () => {
    assert.match(withInventory(text, inventory), /^# Why this stack is there\.\n[^]*# kept\n/);
    const bare = configOf(withInventory("config:\n  trivet:cloud: ssh\n", inventory));
    assert.deepEqual(bare["trivet:machines"], inventory.machines);
  });

  it("gives the same text for what it has filled in already", () => {
    const plain = text.replace(/ {4}all:\n(?: {6}.*\n)*/, "");
    const once = withInventory(plain, inventory);
    assert.equal(withInventory(once, inventory), once);
  });

  it("refuses a common part that is none", () => {
    const odd = text.replace(/all:\n(?: {6}.*\n)*/, "all: 7\n");
    assert.throws(() => withInventory(odd, inventory), z.ZodError);
  });
});

describe("the lab's folder", () => {
  const { TRIVET_CACHE, XDG_CACHE_HOME } = process.env;
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-cache-"));
    delete process.env.TRIVET_CACHE;
    delete process.env.XDG_CACHE_HOME;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    for (const [name, value] of Object.entries({ TRIVET_CACHE, XDG_CACHE_HOME })) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  it("is below the cache that the environment names", () => {
    assert.equal(cacheFolder(), join(homedir(), ".cache", "trivet"));
    process.env.XDG_CACHE_HOME = "/xdg";
    assert.equal(cacheFolder(), "/xdg/trivet");
    process.env.TRIVET_CACHE = "/own";
    assert.equal(cacheFolder(), "/own");
  });

  it("holds an inventory for a lab that is up, and none for another", () => {
    process.env.TRIVET_CACHE = folder;
    mkdirSync(join(folder, "labs", "local"), { recursive: true });
    const file = join(folder, "labs", "local", "inventory.json");
    writeFileSync(file, JSON.stringify({ ...inventory, more: 1 }));
    assert.deepEqual(readInventory("local"), inventory);
    assert.equal(readInventory("other"), undefined);
    writeFileSync(file, "{}");
    assert.throws(() => readInventory("local"), z.ZodError);
  });
});
