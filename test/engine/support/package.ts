/** The importable package, as another program gets it. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { x as extract } from "tar";
import { ROOT } from "./project";

/** Packs a copy of the components with their own manifest, so that the checkout stays as it is. */
export function packComponents(): { archive: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "trivet-package-"));
  mkdirSync(join(folder, "scripts"));
  for (const file of ["scripts/build-package", "tsconfig.json", "tsconfig.package.json"]) {
    copyFileSync(join(ROOT, file), join(folder, file));
  }
  const built = join(ROOT, "components", "dist");
  cpSync(join(ROOT, "components"), join(folder, "components"), {
    recursive: true,
    filter: (path) => path !== built,
  });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const { status, stdout, stderr } = spawnSync("npm", ["pack", "./components"], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`npm pack: ${stdout}${stderr}`);
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (archive === undefined) throw new Error("npm pack made no archive");
  return {
    archive: join(folder, archive),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What `npm install` would do: the package itself beside links to the packages that it needs. */
export async function installPackage(archive: string, project: string): Promise<void> {
  const modules = join(project, "node_modules");
  const installed = join(modules, "trivet");
  mkdirSync(installed, { recursive: true });
  for (const entry of readdirSync(join(ROOT, "node_modules"))) {
    if (entry.startsWith(".") || entry === "trivet") continue;
    symlinkSync(join(ROOT, "node_modules", entry), join(modules, entry));
  }
  await extract({ file: archive, cwd: installed, strip: 1 });
}
