import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { parseConfig, type Surroundings } from "../../stacks/config";
import { isMapping } from "../../stacks/config/problems";

const ROOT = join(__dirname, "..", "..");
const AT: Surroundings = {
  home: "/home/ops",
  projectFolder: "/project",
  sshAuthSock: undefined,
  now: new Date("2030-01-01T00:00:00Z"),
  exists: (path) => path === "/home/ops/.ssh/id_ed25519",
};
/** Encrypted by a command, never typed. */
const NOT_SHOWN = ["services.web.secrets"];

const readStack = (stack: string) => readFileSync(join(ROOT, `Pulumi.${stack}.yaml`), "utf8");

/** Prose has one blank after its #, or three before a command; a setting has none or an even number. */
const SETTING = /^( *)#((?: {2})*)(?=[A-Za-z])/;

/** Takes the # from settings; those marked as examples, with all below them, only on demand. */
function uncommented(text: string, examples: boolean): string {
  let skippedFrom = Infinity;
  const lines = text.split("\n").map((line) => {
    const [, before = "", after = ""] = SETTING.exec(line) ?? [];
    if (!SETTING.test(line)) return line;
    const indent = before.length + after.length;
    if (indent > skippedFrom) return line;
    skippedFrom = !examples && line.includes("# example") ? indent : Infinity;
    return skippedFrom === Infinity ? line.replace(SETTING, "$1$2") : line;
  });
  return lines.join("\n");
}

/** The settings of a stack file without their namespace. A heading with nothing below it is dropped. */
function settingsOf(text: string): Record<string, unknown> {
  const { config } = z
    .strictObject({ config: z.record(z.string(), z.unknown()) })
    .parse(parse(text));
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key.replace(/^trivet:/, ""), value]),
  );
}

const parsed = (text: string) => parseConfig(settingsOf(text), "test", AT);

/** Paths of all keys, as in `services.web.port`. */
function paths(value: unknown, path = ""): string[] {
  if (!isMapping(value)) return [path];
  const below = Object.entries(value).flatMap(([key, item]) =>
    paths(item, path === "" ? key : `${path}.${key}`),
  );
  return below.length === 0 ? [path] : below;
}

for (const stack of ["prod", "ha"]) {
  describe(`Pulumi.${stack}.yaml`, () => {
    const text = readStack(stack);

    it("shows the defaults as they are", () => {
      assert.deepEqual(parsed(uncommented(text, false)), parsed(text));
    });

    it("takes everything that it shows", () => {
      parsed(uncommented(text, true));
    });

    it("shows every setting that has a default", () => {
      const shown = paths(settingsOf(uncommented(text, true)));
      const known = paths(parsed(text)).filter((path) => !/^machines\.vm[23]\./.test(path));
      const missing = known.filter(
        (path) =>
          !NOT_SHOWN.includes(path) &&
          !shown.some((other) => other === path || other.startsWith(`${path}.`)),
      );
      assert.deepEqual(missing, []);
    });

    it("names nothing that exists", () => {
      const addresses = text.match(/\b\d+\.\d+\.\d+\.\d+\b/g) ?? [];
      const real = addresses.filter(
        (address) => !/^(192\.0\.2|203\.0\.113|10\.21[234]\.\d+|0\.0\.0)\.\d+$/.test(address),
      );
      assert.deepEqual(real, []);
    });
  });
}
