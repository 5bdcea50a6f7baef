import assert from "node:assert/strict";
import type { Made } from "./recorder";

/** What is printed when a command fails, and so may hold no secret even if it is marked as one. */
const PRINTED = ["create", "update", "delete", "environment", "triggers", "interpreter"];

/** No secret in clear, none in what a failing command prints. */
export function assertNoLeak(made: readonly Made[], secrets: readonly string[]): void {
  assert.ok(secrets.length > 0, "no secrets to look for");
  const marked = made.flatMap((resource) => resource.allText);
  for (const secret of secrets) {
    assert.ok(holds(marked, secret), `${secret} is nowhere, so nothing is proved`);
  }
  for (const { name, type, plainText, inputs } of made) {
    const printed = type.startsWith("command:")
      ? PRINTED.map((key) => JSON.stringify(inputs[key]))
      : [];
    for (const secret of secrets) {
      assert.ok(!holds(plainText, secret), `${name} (${type}) has ${secret} in clear`);
      assert.ok(!holds(printed, secret), `${name} (${type}) would print ${secret}`);
    }
  }
}

/** As it is, percent-encoded, or inside base64. */
function holds(texts: readonly (string | undefined)[], secret: string): boolean {
  return texts.some((text = "") => {
    const encoded = text.match(/[A-Za-z0-9+/]{12,}={0,2}/g) ?? [];
    const decoded = encoded.map((word) => Buffer.from(word, "base64").toString("utf8"));
    return [text, ...decoded].some(
      (each) => each.includes(secret) || each.includes(encodeURIComponent(secret)),
    );
  });
}
