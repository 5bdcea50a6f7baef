/** Asks the machine's own tools what they make of the keys and certificates under test. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { tmpdir } from "node:os";

export interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a tool in a folder that holds the given files, and is gone afterwards. Throws with what the
 * tool said if it fails.
 */
export function run(tool: string, args: readonly string[], files: Record<string, string>): Said {
  const folder = mkdtempSync(join(tmpdir(), "trivet-tls-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      // ssh-keygen refuses a private key that others may read.
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    }
    const { status, stdout, stderr } = spawnSync(tool, args, { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`${tool} ${args.join(" ")}: ${stdout}${stderr}`);
    return { stdout, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What openssl prints for a command line without blanks inside its words. */
export function openssl(line: string, files: Record<string, string>): string {
  return run("openssl", line.split(" "), files).stdout;
}

/** One extension of a certificate as openssl shows it, without its heading. */
export function extension(certificate: string, name: string): string {
  const shown = openssl(`x509 -in cert.pem -noout -ext ${name}`, { "cert.pem": certificate });
  return shown.split("\n").slice(1).join("\n").trim();
}

export function missing(tool: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${tool}`], { stdio: "ignore" });
    return false;
  } catch {
    return true;
  }
}
