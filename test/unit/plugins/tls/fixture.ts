/** Keys, requests and certificates as a program would make them, one from the other. */
import { CertRequest } from "../../../plugins/tls/request.js";
import { isSecret, type PropertyMap, revealAll } from "../../../plugins/lib/values.js";
import { LocallySignedCert, SelfSignedCert } from "../../../plugins/tls/certificates.js";
import { operation, type TestOperation } from "../support/resource.js";
import { PrivateKey } from "../../../plugins/tls/private-key.js";
import type { Resource } from "../../../plugins/lib/resource.js";

export const HOUR = 3_600_000;

/** Outputs without their secret marks, and which of them have one. */
export interface Made {
  readonly id: string;
  readonly state: PropertyMap;
  readonly secrets: readonly string[];
  readonly text: (key: string) => string;
}

export async function make(
  resource: Resource,
  inputs: PropertyMap,
  how: TestOperation = operation(),
): Promise<Made> {
  const { id, outputs } = await resource.create({ name: "it", inputs, preview: false }, how);
  const text = (key: string) => {
    const value = revealAll(outputs[key] ?? null);
    if (typeof value !== "string") throw new Error(`${key} is no text`);
    return value;
  };
  const secrets = Object.keys(outputs).filter((key) => isSecret(outputs[key]));
  return { id, state: outputs, secrets, text };
}

export async function makeKey(inputs: PropertyMap = P256): Promise<string> {
  return (await make(new PrivateKey(), inputs)).text("privateKeyPem");
}

export const P256 = { algorithm: "ECDSA", ecdsaCurve: "P256" };

export const CA_INPUTS = {
  subject: { commonName: "test CA" },
  isCaCertificate: true,
  validityPeriodHours: 24,
  allowedUses: ["cert_signing", "crl_signing"],
};

export interface TestAuthority {
  readonly caPrivateKeyPem: string;
  readonly caCertPem: string;
}

export async function makeAuthority(
  key: PropertyMap = P256,
  inputs: PropertyMap = {},
): Promise<TestAuthority> {
  const privateKeyPem = await makeKey(key);
  const cert = await make(new SelfSignedCert(), { ...CA_INPUTS, privateKeyPem, ...inputs });
  return { caPrivateKeyPem: privateKeyPem, caCertPem: cert.text("certPem") };
}

export async function makeRequest(inputs: PropertyMap, key: PropertyMap = P256): Promise<string> {
  const privateKeyPem = await makeKey(key);
  return (await make(new CertRequest(), { privateKeyPem, ...inputs })).text("certRequestPem");
}

export const LEAF_INPUTS = {
  validityPeriodHours: 12,
  allowedUses: ["digital_signature", "server_auth"],
};

/** The inputs of a certificate for `app.example.org`, with an authority of its own. */
export async function leafInputs(inputs: PropertyMap = {}): Promise<PropertyMap> {
  const subject = { commonName: "app.example.org" };
  const certRequestPem = await makeRequest({ subject, dnsNames: ["app.example.org"] });
  return { ...(await makeAuthority()), certRequestPem, ...LEAF_INPUTS, ...inputs };
}

export async function makeLeaf(inputs: PropertyMap): Promise<string> {
  return (await make(new LocallySignedCert(), inputs)).text("certPem");
}
