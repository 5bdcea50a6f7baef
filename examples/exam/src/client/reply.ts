import type { SaveReply } from "./autosave";
import { field, numberField, textField } from "./json";

/** What a reply to a saved answer means. */
export function readReply(status: number, body: unknown): SaveReply {
  const savedAt = textField(body, "savedAt");
  if (status === 200 && savedAt !== undefined) return { kind: "saved", savedAt };
  const error = field(body, "error");
  const current = numberField(error, "current");
  if (current !== undefined) return { kind: "stale", current };
  if (status === 401) return { kind: "signed-out" };
  // Only what this application itself refuses is final; any other reply comes from something on
  // the way, or says "not now".
  const message = textField(error, "message");
  if (message !== undefined && status >= 400 && status < 500 && status !== 429) {
    return { kind: "refused", message };
  }
  return { kind: "retry" };
}
