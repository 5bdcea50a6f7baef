/** `tls.CertRequest`. */
import { algorithmOf, parseKey } from "./keys.js";
import { checkNotEmpty } from "./rules.js";
import type { Checked } from "../lib/table.js";
import { createHash, type KeyObject } from "node:crypto";
import type { Created, Difference, DiffRequest } from "../lib/resource.js";
import { createRequest } from "./issue.js";
import { CERT_REQUEST } from "./properties.js";
import { encodePem, isPem } from "./pem.js";
import { errorText } from "../lib/go.js";
import { GeneratedResource } from "../lib/generated.js";
import { type PropertyMap, reveal } from "../lib/values.js";
import { readHolder } from "./names.js";
import { readString } from "../lib/read.js";

/** PEM inputs replace only what was made from PEM: the official provider's rule. */
export abstract class PemResource extends GeneratedResource {
  override diff(request: DiffRequest): Difference {
    const { changes, replaces } = super.diff(request);
    const kept = [...replaces].filter((path) => {
      const before = reveal(request.state[path]);
      return !path.endsWith("Pem") || typeof before !== "string" || isPem(before);
    });
    return { changes, replaces: new Set(kept) };
  }
}

export class CertRequest extends PemResource {
  constructor() {
    super(CERT_REQUEST);
  }

  override check(news: PropertyMap, name: string): Checked {
    const checked = super.check(news, name);
    if (checked.failures.length > 0) return checked;
    const failures = ["ipAddresses", "uris"].flatMap((key) =>
      checkNotEmpty(checked.inputs, name, key),
    );
    return { ...checked, failures };
  }

  protected override plan(inputs: PropertyMap): PropertyMap {
    return inputs;
  }

  protected override async generate(plan: PropertyMap): Promise<Created> {
    const key = readKey(plan, "privateKeyPem", "private key");
    const request = createRequest(readHolder(plan), key);
    const id = createHash("sha1").update(request).digest("hex");
    const certRequestPem = encodePem("CERTIFICATE REQUEST", request);
    const outputs = { id, certRequestPem, keyAlgorithm: algorithmOf(key) };
    return Promise.resolve({ id, outputs });
  }
}

export function readKey(plan: PropertyMap, property: string, what: string): KeyObject {
  return reading(`${what} PEM`, () => parseKey(readString(plan, property) ?? ""));
}

/** Names what could not be parsed, in the official provider's words. */
export function reading<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`Failed to parse ${what}: ${errorText(error)}`);
  }
}
