import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";

const ROOT = join(__dirname, "..", "..");

/** What ./scripts/lab writes about its machines. */
const inventorySchema = z.object({
  registry: z.string(),
  privateKeyPath: z.string(),
  machines: z.record(
    z.string(),
    z.object({
      address: z.string(),
      privateAddress: z.string(),
      port: z.number(),
      user: z.string(),
      hostKey: z.string(),
    }),
  ),
});

/** Machines of a lab. */
export type Inventory = z.output<typeof inventorySchema>;

/** Folder of everything that can be made again. */
export function cacheFolder(): string {
  const { TRIVET_CACHE, XDG_CACHE_HOME } = process.env;
  return TRIVET_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "trivet");
}

/** The inventory of a lab, or undefined where there is none of that name. */
export function readInventory(lab: string): Inventory | undefined {
  const path = join(cacheFolder(), "labs", lab, "inventory.json");
  return existsSync(path)
    ? inventorySchema.parse(JSON.parse(readFileSync(path, "utf8")))
    : undefined;
}

/** Adds to a stack's configuration what only the lab knows: machines, key, registry, address. */
export function withInventory(configText: string, inventory: Inventory): string {
  const document = parseDocument(configText);
  const [first] = Object.values(inventory.machines);
  const registry = inventory.registry.replace(/^https?:\/\//, "");
  const set = (key: string, value: unknown) => {
    document.setIn(["config", `trivet:${key}`], document.createNode(value));
  };
  const common = document.getIn(["config", "trivet:machines", "all"]);
  const shared =
    common === undefined ? {} : z.record(z.string(), z.unknown()).parse(toPlain(common));
  set(
    "machines",
    Object.fromEntries(
      Object.entries(inventory.machines).map(([name, machine]) => [
        name,
        { ...machine, ...shared },
      ]),
    ),
  );
  set("ssh", { privateKeyPath: inventory.privateKeyPath });
  set("domains", [first?.address]);
  set("docker", { registryMirrors: [inventory.registry], insecureRegistries: [registry] });
  set("images", { registry: { address: `${registry}/trivet`, push: true } });
  return document.toString();
}

const toPlain = (node: unknown): unknown =>
  typeof node === "object" && node !== null && "toJSON" in node && typeof node.toJSON === "function"
    ? (node.toJSON as () => unknown)()
    : node;

/** The configuration file that Pulumi gets: the stack's own, or for a local stack one filled in. */
export function configFileOf(stack: string, lab = stack): string {
  const own = join(ROOT, `Pulumi.${stack}.yaml`);
  const inventory = readInventory(lab);
  if (inventory === undefined || !existsSync(own)) return own;
  const folder = join(cacheFolder(), "stacks");
  mkdirSync(folder, { recursive: true });
  const filled = join(folder, `Pulumi.${stack}.yaml`);
  const salt = existsSync(filled)
    ? /^encryptionsalt:.*$/m.exec(readFileSync(filled, "utf8"))
    : null;
  const text = withInventory(readFileSync(own, "utf8"), inventory);
  writeFileSync(filled, salt === null ? text : `${salt[0]}\n${text}`);
  return filled;
}
