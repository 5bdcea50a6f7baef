// Exits 0 when node_modules already holds what package-lock.json asks for, 1 when not. npm's own
// record inside node_modules is compared, so that an `npm install` by hand counts too.
import { readFileSync } from "node:fs";

const packages = (file) => JSON.parse(readFileSync(file, "utf8")).packages;

try {
  const wanted = packages("package-lock.json");
  const present = packages("node_modules/.package-lock.json");
  const missing = Object.entries(wanted).filter(
    ([path, entry]) =>
      path !== "" &&
      entry.optional !== true &&
      !entry.link &&
      present[path]?.version !== entry.version,
  );
  process.exitCode = missing.length === 0 ? 0 : 1;
} catch {
  process.exitCode = 1;
}
