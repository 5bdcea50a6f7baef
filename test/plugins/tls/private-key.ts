/** `tls.PrivateKey`. */
import { ALGORITHMS, ECDSA_CURVES, generateKey } from "./keys.js";
import { checkOneOf, checkWhole, oneOf } from "./rules.js";
import type { Checked } from "../lib/table.js";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import type { Created } from "../lib/resource.js";
import { GeneratedResource } from "../lib/generated.js";
import { PRIVATE_KEY } from "./properties.js";
import type { PropertyMap } from "../lib/values.js";
import { opensshForms } from "./openssh.js";
import { readNumber, readString } from "../lib/read.js";

export class PrivateKey extends GeneratedResource {
  constructor() {
    super(PRIVATE_KEY);
  }

  override check(news: PropertyMap, name: string): Checked {
    const checked = super.check(news, name);
    if (checked.failures.length > 0) return checked;
    const failures = [
      ...checkOneOf(checked.inputs, name, "algorithm", ALGORITHMS),
      ...checkOneOf(checked.inputs, name, "ecdsaCurve", ECDSA_CURVES),
      ...checkWhole(checked.inputs, name, "rsaBits"),
    ];
    return { ...checked, failures };
  }

  protected override plan(inputs: PropertyMap): PropertyMap {
    return { ecdsaCurve: "P224", rsaBits: 2048, ...inputs };
  }

  protected override async generate(plan: PropertyMap): Promise<Created> {
    const key = await generateKey({
      algorithm: oneOf(ALGORITHMS, readString(plan, "algorithm")),
      ecdsaCurve: oneOf(ECDSA_CURVES, readString(plan, "ecdsaCurve")),
      rsaBits: readNumber(plan, "rsaBits") ?? 0,
    });
    const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
    const id = createHash("sha1").update(publicKey).digest("hex");
    return { id, outputs: { id, ...keyForms(key) } };
  }
}

function keyForms(key: KeyObject) {
  const pkcs8 = key.export({ type: "pkcs8", format: "pem" }).toString();
  const openssh = opensshForms(key);
  return {
    privateKeyOpenssh: openssh.privateKey,
    privateKeyPem: traditionalPem(key) ?? pkcs8,
    privateKeyPemPkcs8: pkcs8,
    publicKeyFingerprintMd5: openssh.fingerprintMd5,
    publicKeyFingerprintSha256: openssh.fingerprintSha256,
    publicKeyOpenssh: openssh.publicKey,
    publicKeyPem: createPublicKey(key).export({ type: "spki", format: "pem" }).toString(),
  };
}

/** PKCS#1 or SEC 1; Ed25519 keys have no form older than PKCS#8. */
function traditionalPem(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType === "rsa")
    return key.export({ type: "pkcs1", format: "pem" }).toString();
  if (key.asymmetricKeyType === "ec") return key.export({ type: "sec1", format: "pem" }).toString();
  return undefined;
}
