import { execFile } from "node:child_process";
import { join } from "node:path";

/** Why stand-in machines cannot run here, or undefined where they can. */
export async function labCannotRun(): Promise<string | undefined> {
  const lab = join(__dirname, "..", "lab");
  return await new Promise((resolve) => {
    execFile(lab, ["check"], (error, stdout, stderr) => {
      resolve(error === null ? undefined : (stderr || stdout || error.message).trim());
    });
  });
}
