/** Private keys: making them, reading them, and what a certificate needs to know of them. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPair } from "node:crypto";
import { type KeyObject, sign } from "node:crypto";
import { AlgorithmIdentifier, SubjectPublicKeyInfo } from "@peculiar/asn1-x509";
import { AsnConvert } from "@peculiar/asn1-schema";
import { decodePem } from "./pem.js";
import { errorText } from "../lib/go.js";
import { promisify } from "node:util";

export const ALGORITHMS = ["RSA", "ECDSA", "ED25519"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** From the official names to OpenSSL's, with the digest and OID a signature by such a key has. */
const CURVES = {
  P224: { name: "secp224r1", digest: "sha256", oid: "1.2.840.10045.4.3.2" },
  P256: { name: "prime256v1", digest: "sha256", oid: "1.2.840.10045.4.3.2" },
  P384: { name: "secp384r1", digest: "sha384", oid: "1.2.840.10045.4.3.3" },
  P521: { name: "secp521r1", digest: "sha512", oid: "1.2.840.10045.4.3.4" },
} as const;

export const ECDSA_CURVES = ["P224", "P256", "P384", "P521"] as const;
export type EcdsaCurve = (typeof ECDSA_CURVES)[number];

/** What the official provider's cryptography accepts, in bits. */
const RSA_MINIMUM = 1024;

const generate = promisify(generateKeyPair);

export interface KeyRequest {
  readonly algorithm: Algorithm;
  readonly rsaBits: number;
  readonly ecdsaCurve: EcdsaCurve;
}

export async function generateKey(wanted: KeyRequest): Promise<KeyObject> {
  switch (wanted.algorithm) {
    case "RSA":
      if (wanted.rsaBits < RSA_MINIMUM) {
        const reason = `crypto/rsa: ${wanted.rsaBits}-bit keys are insecure`;
        throw new Error(`Unable to generate Key from configuration: ${reason}`);
      }
      return (await generate("rsa", { modulusLength: wanted.rsaBits })).privateKey;
    case "ECDSA":
      return (await generate("ec", { namedCurve: CURVES[wanted.ecdsaCurve].name })).privateKey;
    case "ED25519":
      return (await generate("ed25519")).privateKey;
  }
}

const KEY_LABELS = ["RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY"];
const OTHER_LABELS = ["PUBLIC KEY", "CERTIFICATE", "CERTIFICATE REQUEST"];

/** Reads PKCS#1, SEC 1 or PKCS#8; throws with the official provider's words. */
export function parseKey(pem: string): KeyObject {
  const block = decodePem(pem);
  if (block === undefined) {
    const length = Buffer.byteLength(pem);
    throw new Error(`failed to decode PEM block: decoded bytes 0, undecoded ${length}`);
  }
  const { label } = block;
  if (OTHER_LABELS.includes(label)) {
    throw new Error(`unable to determine parser for PEM preamble: ${label}`);
  }
  if (!KEY_LABELS.includes(label)) throw new Error(`unsupported PEM preamble/type: ${label}`);
  try {
    const key = createPrivateKey(pem.slice(pem.indexOf("-----BEGIN")));
    algorithmOf(key);
    return key;
  } catch (error) {
    const reason = errorText(error);
    throw new Error(`failed to parse private key given PEM preamble '${label}': ${reason}`);
  }
}

export function algorithmOf(key: KeyObject): Algorithm {
  switch (key.asymmetricKeyType) {
    case "rsa":
      return "RSA";
    case "ec":
      curveOf(key);
      return "ECDSA";
    case "ed25519":
      return "ED25519";
    default:
      throw new Error(`unsupported private key type: ${key.asymmetricKeyType ?? key.type}`);
  }
}

function curveOf(key: KeyObject): (typeof CURVES)[EcdsaCurve] {
  const name = key.asymmetricKeyDetails?.namedCurve;
  const curve = Object.values(CURVES).find((candidate) => candidate.name === name);
  if (curve === undefined) throw new Error(`unsupported elliptic curve: ${name ?? "unnamed"}`);
  return curve;
}

export function publicKeyInfo(privateKey: KeyObject): SubjectPublicKeyInfo {
  const der = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return AsnConvert.parse(der, SubjectPublicKeyInfo);
}

/** The subject key identifier of the official provider: SHA-1 of the public key. */
export function keyIdentifier(info: SubjectPublicKeyInfo): Buffer {
  const bits = Buffer.from(info.subjectPublicKey);
  // The official provider hashes this kind of key with an octet string's header before it.
  const header = info.algorithm.algorithm === ED25519_OID ? Buffer.of(4, bits.length) : Buffer.of();
  return createHash("sha1").update(header).update(bits).digest();
}

export interface Signer {
  readonly algorithm: AlgorithmIdentifier;
  sign(content: ArrayBuffer): ArrayBuffer;
}

const ED25519_OID = "1.3.101.112";
const RSA_SHA256_OID = "1.2.840.113549.1.1.11";

export function signerOf(key: KeyObject): Signer {
  const { oid, digest, parameters } = signatureOf(key);
  return {
    algorithm: new AlgorithmIdentifier({ algorithm: oid, ...parameters }),
    sign: (content) => toArrayBuffer(sign(digest, Buffer.from(content), key)),
  };
}

function signatureOf(key: KeyObject) {
  switch (algorithmOf(key)) {
    case "RSA":
      return { oid: RSA_SHA256_OID, digest: "sha256", parameters: { parameters: null } };
    case "ECDSA": {
      const { oid, digest } = curveOf(key);
      return { oid, digest, parameters: {} };
    }
    case "ED25519":
      return { oid: ED25519_OID, digest: null, parameters: {} };
  }
}

export function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
