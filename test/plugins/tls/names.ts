/** Subjects, and the other names that a certificate is good for. */
import { AttributeTypeAndValue, AttributeValue, GeneralName, Name } from "@peculiar/asn1-x509";
import { RelativeDistinguishedName, SubjectAlternativeName } from "@peculiar/asn1-x509";
import { readMap, readString, readStrings } from "../lib/read.js";
import { goQuote } from "../lib/go.js";
import { isIPv4, isIPv6 } from "node:net";
import type { PropertyMap } from "../lib/values.js";

const EMAIL_ADDRESS = "1.2.840.113549.1.9.1";
const COMMON_NAME = "2.5.4.3";
const SERIAL_NUMBER = "2.5.4.5";
const SINGLE = [COMMON_NAME, SERIAL_NUMBER];

/** In the order in which a subject lists them. */
const ATTRIBUTES = [
  ["country", "2.5.4.6"],
  ["province", "2.5.4.8"],
  ["locality", "2.5.4.7"],
  ["streetAddresses", "2.5.4.9"],
  ["postalCode", "2.5.4.17"],
  ["organization", "2.5.4.10"],
  ["organizationalUnit", "2.5.4.11"],
  ["commonName", COMMON_NAME],
  ["serialNumber", SERIAL_NUMBER],
] as const;

export interface Holder {
  readonly subject: Name;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
}

/** Throws with the official provider's words for an address or URI that is none. */
export function readHolder(inputs: PropertyMap): Holder {
  const ipAddresses = (readStrings(inputs, "ipAddresses") ?? []).map(plainAddress);
  const uris = readStrings(inputs, "uris") ?? [];
  const badUri = uris.find((uri) => !URL.canParse(uri));
  if (badUri !== undefined) throw new Error(`Invalid URI: Failed to parse ${goQuote(badUri)}`);
  const dnsNames = readStrings(inputs, "dnsNames") ?? [];
  return { subject: readSubject(readMap(inputs, "subject") ?? {}), dnsNames, ipAddresses, uris };
}

/** The address in one of the forms that the encoder reads; an IPv4 address in IPv6 clothes as IPv4. */
function plainAddress(text: string): string {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes("%")) {
    throw new Error(`Invalid IP address: Failed to parse ${goQuote(text)}`);
  }
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  return [high, low].flatMap((part) => [...Buffer.from(part.padStart(4, "0"), "hex")]).join(".");
}

function readSubject(subject: PropertyMap): Name {
  const values = new Map<string, readonly string[]>();
  for (const [property, oid] of ATTRIBUTES) {
    const value =
      property === "streetAddresses"
        ? readStrings(subject, property)
        : wrap(readString(subject, property));
    if (value !== undefined) values.set(oid, value);
  }
  const name = toName(values);
  const email = readString(subject, "emailAddress");
  if (email === undefined) return name;
  return new Name([...name, attributes(EMAIL_ADDRESS, [new AttributeValue({ ia5String: email })])]);
}

function wrap(value: string | undefined): string[] | undefined {
  return value === undefined ? undefined : [value];
}

/** A request's subject as the official provider signs it: without what it has no property for. */
export function signedSubject(requested: Name): Name {
  const values = new Map<string, string[]>();
  for (const { type, value } of requested.flatMap((part) => [...part])) {
    const text = textOf(value);
    if (text === undefined || !ATTRIBUTES.some(([, oid]) => oid === type)) continue;
    const before = SINGLE.includes(type) ? [] : (values.get(type) ?? []);
    values.set(type, [...before, text]);
  }
  return toName(values);
}

function textOf(value: AttributeValue): string | undefined {
  return (
    value.utf8String ??
    value.printableString ??
    value.ia5String ??
    value.teletexString ??
    value.bmpString
  );
}

function toName(values: ReadonlyMap<string, readonly string[]>): Name {
  const parts = ATTRIBUTES.flatMap(([, oid]) => {
    const texts = values.get(oid) ?? [];
    if (texts.length === 0 || (SINGLE.includes(oid) && texts[0] === "")) return [];
    return [attributes(oid, texts.map(directoryText))];
  });
  return new Name(parts);
}

function attributes(type: string, values: readonly AttributeValue[]): RelativeDistinguishedName {
  return new RelativeDistinguishedName(
    values.map((value) => new AttributeTypeAndValue({ type, value })),
  );
}

function directoryText(text: string): AttributeValue {
  const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text);
  return new AttributeValue(printable ? { printableString: text } : { utf8String: text });
}

/** Undefined if there is no name. */
export function alternativeName(holder: Holder): SubjectAlternativeName | undefined {
  const badName = [...holder.dnsNames, ...holder.uris].find((text) => /[^\0-\x7f]/.test(text));
  if (badName !== undefined) {
    throw new Error(`x509: ${goQuote(badName)} cannot be encoded as an IA5String`);
  }
  const names = [
    ...holder.dnsNames.map((dNSName) => new GeneralName({ dNSName })),
    ...holder.ipAddresses.map((iPAddress) => new GeneralName({ iPAddress })),
    ...holder.uris.map((uri) => new GeneralName({ uniformResourceIdentifier: uri })),
  ];
  return names.length > 0 ? new SubjectAlternativeName(names) : undefined;
}

/** The names of a request that a certificate takes over. */
export function namesIn(names: SubjectAlternativeName): Omit<Holder, "subject"> {
  return {
    dnsNames: names.flatMap(({ dNSName }) => dNSName ?? []),
    ipAddresses: names.flatMap(({ iPAddress }) => iPAddress ?? []),
    uris: names.flatMap(({ uniformResourceIdentifier }) => uniformResourceIdentifier ?? []),
  };
}
