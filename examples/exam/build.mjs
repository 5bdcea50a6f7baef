// Bundles the server, the migration command and the browser scripts into dist/: the image needs
// nothing else but Node.
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = import.meta.dirname;
const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });

await build({
  entryPoints: [join(root, "src/server.ts"), join(root, "src/migrate.ts")],
  outdir: dist,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  sourcemap: true,
  sourcesContent: false,
  // Optional accelerators that these packages load in a try block; absent here on purpose.
  external: ["pg-native", "bufferutil", "utf-8-validate"],
  logLevel: "warning",
});

await build({
  entryPoints: ["site", "exam", "admin"].map((name) => join(root, `src/client/${name}.ts`)),
  outdir: join(dist, "public"),
  bundle: true,
  format: "iife",
  target: "es2020",
  minify: true,
  logLevel: "warning",
});

cpSync(join(root, "src/public"), join(dist, "public"), { recursive: true });
cpSync(join(root, "src/migrations"), join(dist, "migrations"), { recursive: true });
