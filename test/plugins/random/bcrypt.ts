import { randomBytes } from "node:crypto";
import { encodeBase64, hashSync } from "bcryptjs";

const COST = 10;
const SALT_BYTES = 16;
/** What is longer does not take part in bcrypt, and Go's refuses it. */
const MAX_BYTES = 72;

/** A bcrypt hash of the text's first 72 bytes, with the `$2a$` mark that Go writes. */
export function bcryptHash(text: string): string {
  const bytes = Buffer.from(text, "utf8").subarray(0, MAX_BYTES);
  const salt = `$2a$${COST}$${encodeBase64(randomBytes(SALT_BYTES), SALT_BYTES)}`;
  return hashSync(bytes.toString("utf8"), salt);
}
