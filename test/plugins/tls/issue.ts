/** Certificates and certificate requests, built as the official provider's cryptography does. */
import * as x509 from "@peculiar/asn1-x509";
import { Attributes, CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { alternativeName, type Holder, namesIn, signedSubject } from "./names.js";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import { decodePem, encodePem } from "./pem.js";
import { extendedKeyUsages, keyUsageFlags } from "./usages.js";
import { keyIdentifier, publicKeyInfo, signerOf, toArrayBuffer } from "./keys.js";
import { goQuote } from "../lib/go.js";
import type { KeyObject } from "node:crypto";

const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";

export function createRequest(holder: Holder, key: KeyObject): Buffer {
  const names = alternativeName(holder);
  const attributes = names === undefined ? [] : [extensionRequest(names)];
  const info = new CertificationRequestInfo({
    version: 0,
    subject: holder.subject,
    subjectPKInfo: publicKeyInfo(key),
    attributes: new Attributes(attributes),
  });
  const signer = signerOf(key);
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: signer.algorithm,
    signature: signer.sign(AsnConvert.serialize(info)),
  });
  return Buffer.from(AsnConvert.serialize(request));
}

function extensionRequest(names: x509.SubjectAlternativeName): x509.Attribute {
  const extensions = new x509.Extensions([extension(x509.id_ce_subjectAltName, names)]);
  return new x509.Attribute({
    type: EXTENSION_REQUEST,
    values: [AsnConvert.serialize(extensions)],
  });
}

export interface Requested {
  readonly holder: Holder;
  readonly publicKey: x509.SubjectPublicKeyInfo;
}

export function parseRequest(pem: string): Requested {
  const request = parse(pem, "CERTIFICATE REQUEST", CertificationRequest);
  const info = request.certificationRequestInfo;
  const requested = [...info.attributes]
    .filter(({ type }) => type === EXTENSION_REQUEST)
    .flatMap(({ values }) => values)
    .flatMap((value) => Array.from(AsnConvert.parse(value, x509.Extensions)));
  const names = readExtension(requested, x509.id_ce_subjectAltName, x509.SubjectAlternativeName);
  const none = new x509.SubjectAlternativeName([]);
  return {
    holder: { subject: signedSubject(info.subject), ...namesIn(names ?? none) },
    publicKey: info.subjectPKInfo,
  };
}

/** Who signs a certificate. */
export interface Authority {
  readonly subject: x509.Name;
  readonly publicKey: x509.SubjectPublicKeyInfo;
  readonly subjectKeyId: Buffer | undefined;
  readonly isCa: boolean;
}

export function parseAuthority(pem: string): Authority {
  const { tbsCertificate } = parse(pem, "CERTIFICATE", x509.Certificate);
  const extensions = tbsCertificate.extensions ?? new x509.Extensions([]);
  const keyId = readExtension(
    extensions,
    x509.id_ce_subjectKeyIdentifier,
    x509.SubjectKeyIdentifier,
  );
  const basic = readExtension(extensions, x509.id_ce_basicConstraints, x509.BasicConstraints);
  return {
    subject: tbsCertificate.subject,
    publicKey: tbsCertificate.subjectPublicKeyInfo,
    subjectKeyId: keyId === undefined ? undefined : Buffer.from(keyId.buffer),
    isCa: basic?.cA ?? false,
  };
}

function parse<T>(pem: string, label: string, type: new () => T): T {
  const block = decodePem(pem);
  if (block === undefined) {
    throw new Error(`failed to decode PEM of expected type ${goQuote(label)} from bytes`);
  }
  if (block.label !== label) {
    const got = goQuote(block.label);
    throw new Error(`invalid PEM type - expected ${goQuote(label)}, got ${got}`);
  }
  return AsnConvert.parse(block.bytes, type);
}

function readExtension<T>(
  extensions: readonly x509.Extension[],
  oid: string,
  type: new () => T,
): T | undefined {
  const found = extensions.find(({ extnID }) => extnID === oid);
  return found === undefined ? undefined : AsnConvert.parse(found.extnValue.buffer, type);
}

export interface CertificateRequest {
  readonly holder: Holder;
  readonly publicKey: x509.SubjectPublicKeyInfo;
  /** Undefined for a certificate that its own holder signs. */
  readonly authority: Authority | undefined;
  readonly signingKey: KeyObject;
  readonly serialNumber: Buffer;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly allowedUses: readonly string[];
  readonly isCa: boolean;
  /** Zero means no limit, as with the official provider. */
  readonly maxPathLength: number;
  readonly setSubjectKeyId: boolean;
  readonly setAuthorityKeyId: boolean;
}

export function createCertificate(wanted: CertificateRequest): string {
  checkWanted(wanted);
  const signer = signerOf(wanted.signingKey);
  const tbsCertificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: toArrayBuffer(wanted.serialNumber),
    signature: signer.algorithm,
    issuer: wanted.authority?.subject ?? wanted.holder.subject,
    validity: new x509.Validity({
      notBefore: wholeSeconds(wanted.notBefore),
      notAfter: wholeSeconds(wanted.notAfter),
    }),
    subject: wanted.holder.subject,
    subjectPublicKeyInfo: wanted.publicKey,
    extensions: new x509.Extensions(extensionsOf(wanted)),
  });
  const certificate = new x509.Certificate({
    tbsCertificate,
    signatureAlgorithm: signer.algorithm,
    signatureValue: signer.sign(AsnConvert.serialize(tbsCertificate)),
  });
  return encodePem("CERTIFICATE", Buffer.from(AsnConvert.serialize(certificate)));
}

function checkWanted({ isCa, holder, maxPathLength, authority, signingKey }: CertificateRequest) {
  if (isCa && holder.subject.length === 0) {
    throw new Error(
      "Invalid Certificate Subject: Must contain at least one Distinguished Name " +
        "when creating Certificate Authority (CA)",
    );
  }
  const failure = "Failed to create certificate: x509:";
  if (!isCa && maxPathLength > 0) {
    throw new Error(`${failure} only CAs are allowed to specify MaxPathLen`);
  }
  if (authority === undefined) return;
  const wantedKey = AsnConvert.serialize(authority.publicKey);
  if (!equal(wantedKey, AsnConvert.serialize(publicKeyInfo(signingKey)))) {
    throw new Error(`${failure} provided PrivateKey doesn't match parent's PublicKey`);
  }
}

function equal(a: ArrayBuffer, b: ArrayBuffer): boolean {
  return Buffer.from(a).equals(Buffer.from(b));
}

/** A certificate has no fractions of a second. */
function wholeSeconds(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}

function extensionsOf(wanted: CertificateRequest): x509.Extension[] {
  const { allowedUses, isCa, maxPathLength, holder } = wanted;
  const flags = keyUsageFlags(allowedUses);
  const purposes = extendedKeyUsages(allowedUses);
  const limit = isCa && maxPathLength > 0 ? { pathLenConstraint: maxPathLength } : {};
  const constraints = new x509.BasicConstraints({ cA: isCa, ...limit });
  const names = alternativeName(holder);
  // The names are critical when there is nothing else to know the holder by.
  const namesCritical = holder.subject.length === 0;
  return [
    flags === 0 ? [] : extension(x509.id_ce_keyUsage, new x509.KeyUsage(flags), true),
    purposes.length === 0
      ? []
      : extension(x509.id_ce_extKeyUsage, new x509.ExtendedKeyUsage(purposes)),
    extension(x509.id_ce_basicConstraints, constraints, true),
    ...keyIds(wanted),
    names === undefined ? [] : extension(x509.id_ce_subjectAltName, names, namesCritical),
  ].flat();
}

function keyIds(wanted: CertificateRequest): x509.Extension[] {
  const { isCa, setSubjectKeyId, publicKey } = wanted;
  const subjectKeyId = isCa || setSubjectKeyId ? keyIdentifier(publicKey) : undefined;
  const authorityKeyId = authorityKeyIdOf(wanted, subjectKeyId);
  return [
    subjectKeyId === undefined
      ? []
      : extension(x509.id_ce_subjectKeyIdentifier, new x509.SubjectKeyIdentifier(subjectKeyId)),
    authorityKeyId === undefined
      ? []
      : extension(
          x509.id_ce_authorityKeyIdentifier,
          new x509.AuthorityKeyIdentifier({
            keyIdentifier: new x509.KeyIdentifier(authorityKeyId),
          }),
        ),
  ].flat();
}

function authorityKeyIdOf(wanted: CertificateRequest, own: Buffer | undefined): Buffer | undefined {
  const { authority, holder, setAuthorityKeyId } = wanted;
  if (authority !== undefined) {
    const [issuer, subject] = [authority.subject, holder.subject].map((name) =>
      AsnConvert.serialize(name),
    );
    const sameName = issuer !== undefined && subject !== undefined && equal(issuer, subject);
    return sameName ? undefined : authority.subjectKeyId;
  }
  if (!setAuthorityKeyId) return undefined;
  if (own === undefined) {
    throw new Error("Invalid Certificate Authority: Could not determine Authority Key Identifier");
  }
  return own;
}

function extension(extnID: string, value: unknown, critical = false): x509.Extension {
  return new x509.Extension({
    extnID,
    critical,
    extnValue: new OctetString(AsnConvert.serialize(value)),
  });
}
