import { get } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { StackOutputs } from "./pulumi";

/** One answer over HTTPS. */
export interface Answer {
  status: number;
  body: string;
}

/** Asks once. The certificate is checked, the stack's own one against itself. */
export async function ask(url: string, certificate: string | undefined): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const options = {
      ...(certificate !== undefined && { ca: certificate }),
      timeout: 5000,
      agent: false as const,
    };
    const request = get(url, options, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.once("end", () => {
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.once("error", reject);
    });
    request.once("timeout", () => request.destroy(new Error("no answer within 5 s")));
    request.once("error", reject);
  });
}

/** Asks until the answer is 200; rejects with the last answer when the time is over. */
export async function answersWithin(
  limitSeconds: number,
  url: string,
  { certificate }: Pick<StackOutputs, "certificate">,
): Promise<void> {
  const deadline = Date.now() + limitSeconds * 1000;
  for (;;) {
    const seen = await ask(url, certificate).then(
      ({ status }) => `status ${status}`,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (seen === "status 200") return;
    if (Date.now() > deadline) {
      throw new Error(`${url} does not answer within ${limitSeconds} s (last: ${seen})`);
    }
    await sleep(500);
  }
}
