/** What the stand-in for tls serves. */
import type { PropertyTable, ResourceSpec } from "../lib/table.js";

export const PLUGIN = { name: "tls", version: "5.6.1" } as const;

function spec(token: string, inputs: PropertyTable, outputs: PropertyTable): ResourceSpec {
  return { plugin: PLUGIN.name, version: PLUGIN.version, token, inputs, outputs };
}

export const PRIVATE_KEY = spec(
  "tls:index/privateKey:PrivateKey",
  {
    algorithm: { type: "string", required: true, replaces: true },
    ecdsaCurve: { type: "string", replaces: true },
    rsaBits: { type: "number", replaces: true },
  },
  {
    privateKeyOpenssh: { type: "string", secret: true },
    privateKeyPem: { type: "string", secret: true },
    privateKeyPemPkcs8: { type: "string", secret: true },
    publicKeyFingerprintMd5: { type: "string" },
    publicKeyFingerprintSha256: { type: "string" },
    publicKeyOpenssh: { type: "string" },
    publicKeyPem: { type: "string" },
  },
);

const subjectTable = {
  commonName: { type: "string" },
  country: { type: "string" },
  emailAddress: { type: "string" },
  locality: { type: "string" },
  organization: { type: "string" },
  organizationalUnit: { type: "string" },
  postalCode: { type: "string" },
  province: { type: "string" },
  serialNumber: { type: "string" },
  streetAddresses: { type: "strings" },
} as const satisfies PropertyTable;

/** What is certified, and the key that proves it. */
const holderInputs = {
  dnsNames: { type: "strings", replaces: true },
  ipAddresses: { type: "strings", replaces: true },
  privateKeyPem: { type: "string", required: true, secret: true, replaces: true },
  subject: { type: "object", properties: subjectTable, replaces: true },
  uris: { type: "strings", replaces: true },
} as const satisfies PropertyTable;

const certificateInputs = {
  allowedUses: { type: "strings", required: true, replaces: true },
  earlyRenewalHours: { type: "number" },
  isCaCertificate: { type: "boolean", replaces: true },
  maxPathLength: { type: "number", replaces: true },
  setSubjectKeyId: { type: "boolean", replaces: true },
  validityPeriodHours: { type: "number", required: true, replaces: true },
} as const satisfies PropertyTable;

const certificateOutputs = {
  certPem: { type: "string" },
  readyForRenewal: { type: "boolean" },
  validityEndTime: { type: "string" },
  validityStartTime: { type: "string" },
} as const satisfies PropertyTable;

export const CERT_REQUEST = spec("tls:index/certRequest:CertRequest", holderInputs, {
  certRequestPem: { type: "string" },
  keyAlgorithm: { type: "string" },
});

export const SELF_SIGNED_CERT = spec(
  "tls:index/selfSignedCert:SelfSignedCert",
  {
    ...holderInputs,
    ...certificateInputs,
    setAuthorityKeyId: { type: "boolean", replaces: true },
  },
  { ...certificateOutputs, keyAlgorithm: { type: "string" } },
);

export const LOCALLY_SIGNED_CERT = spec(
  "tls:index/locallySignedCert:LocallySignedCert",
  {
    ...certificateInputs,
    caCertPem: { type: "string", required: true, replaces: true },
    caPrivateKeyPem: { type: "string", required: true, secret: true, replaces: true },
    certRequestPem: { type: "string", required: true, replaces: true },
  },
  { ...certificateOutputs, caKeyAlgorithm: { type: "string" } },
);
