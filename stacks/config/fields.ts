import { isIP, isIPv4, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import { z } from "zod";
import { isMapping, kindOf } from "./problems";

/** Runs a rule over several fields even where one of them is wrong, so that all is told at once. */
export const ALWAYS = { when: ({ value }: { value: unknown }) => isMapping(value) };

/** A mapping with a fixed set of keys. Its message for unknown keys is the list of known ones. */
export function group<S extends z.ZodRawShape>(shape: S) {
  const known = Object.keys(shape).join(" ");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? known : containerMessage(issue.input, "a mapping"),
  });
}

/** A mapping from names that the user chooses. */
export function named<T extends z.ZodType>(
  entry: T,
  must: string,
  fits: (name: string) => boolean,
) {
  return z
    .record(z.string(), entry, {
      error: (issue) => containerMessage(issue.input, "a mapping by name"),
    })
    .superRefine((entries, ctx) => {
      for (const name of Object.keys(entries)) {
        if (!fits(name)) ctx.addIssue({ code: "custom", path: [name], message: must });
      }
    }, ALWAYS);
}

/** A list without repetitions. */
export function list<T extends z.ZodType>(entry: T, of: string) {
  return z
    .array(entry, { error: (issue) => containerMessage(issue.input, `a list of ${of}`) })
    .superRefine((values, ctx) => {
      values.forEach((value, i) => {
        if (values.indexOf(value) < i) {
          ctx.addIssue({ code: "custom", path: [i], message: `repeats ${JSON.stringify(value)}` });
        }
      });
    });
}

/** The same, with one entry at least. */
export function filledList<T extends z.ZodType>(entry: T, of: string) {
  return list(entry, of).refine((values) => values.length > 0, `is empty, must be a list of ${of}`);
}

function containerMessage(value: unknown, what: string): string {
  return value === undefined ? `must be ${what}` : `is ${kindOf(value)}, must be ${what}`;
}

/** Text on one line; blanks around it, and a Windows line end, are dropped. */
export function text(must: string, fits: (value: string) => boolean = () => true) {
  return z
    .string(must)
    .trim()
    .refine((value) => value !== "" && value.length <= 4096 && isClean(value) && fits(value), must);
}

/** True without control characters and broken Unicode, which would spoil a line of a file. */
export function isClean(value: string): boolean {
  return !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(value);
}

export function wholeNumber(min: number, max: number) {
  const must = `must be a whole number from ${min} to ${max}`;
  return z
    .number(must)
    .refine((value) => Number.isInteger(value) && value >= min && value <= max, must);
}

export function decimal(min: number, max: number) {
  const must = `must be a number from ${min} to ${max}`;
  return z.number(must).refine((value) => value >= min && value <= max, must);
}

export const port = () => wholeNumber(1, 65_535);
export const mebibytes = (min: number, max = 16_777_216) => wholeNumber(min, max);
export const flag = () => z.boolean("must be true or false");

const DNS_LABEL = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
export const isDnsLabel = (name: string) => DNS_LABEL.test(name);
export const MUST_BE_LABEL =
  "must be named with 1 to 63 lower-case letters, digits or hyphens, starting with a letter";

/** True for a DNS name in ASCII. One that ends in a number would be read as an address. */
export function isDnsName(name: string): boolean {
  const labels = name.split(".");
  return (
    name.length <= 253 &&
    labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)) &&
    !/^\d+$/.test(labels.at(-1) ?? "")
  );
}

/** Lower case, international names in punycode. What is no host name stays as it is. */
export function asciiHost(name: string): string {
  // Only letters beyond ASCII need the conversion, which would quietly drop a path or a blank.
  const plain = /^[\u0000-\u007f]*$/.test(name);
  const odd = /[\u0000-\u007f]/.test(name.replace(/[a-z0-9.-]/gi, ""));
  return (plain || odd ? name : domainToASCII(name)).toLowerCase();
}

/** A name or an address that a browser asks for. */
export function hostName() {
  return text(
    "must be a host name such as example.org or an IP address, without scheme, port or wildcard",
    (value) => isIP(value) !== 0 || isDnsName(asciiHost(value)),
  ).transform(asciiHost);
}

/** True for an address that another machine can reach. */
export function isReachableIPv4(value: string): boolean {
  const first = Number(value.split(".")[0]);
  return isIPv4(value) && first !== 0 && first !== 127 && first < 224;
}

/** A range of IPv4 addresses as numbers. */
export interface Subnet {
  first: number;
  size: number;
  prefix: number;
}

export function ipv4Number(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Undefined for what is no IPv4 network, or has bits set beyond its prefix. */
export function parseSubnet(value: string): Subnet | undefined {
  const [address = "", prefixText = "", ...rest] = value.split("/");
  if (rest.length > 0 || !isIPv4(address) || !/^\d{1,2}$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText);
  const size = 2 ** (32 - prefix);
  const first = ipv4Number(address);
  return prefix <= 32 && first % size === 0 ? { first, size, prefix } : undefined;
}

/** A network of which firewall rules speak, IPv4 or IPv6. */
export function isNetwork(value: string): boolean {
  if (parseSubnet(value) !== undefined) return true;
  const [address = "", prefix = "", ...rest] = value.split("/");
  return rest.length === 0 && isIPv6(address) && /^\d{1,3}$/.test(prefix) && Number(prefix) <= 128;
}

/** One IPv4 network whose prefix lies from `min` to `max`. */
export function subnet(min: number, max: number, example: string) {
  return text(
    `must be an IPv4 network from /${min} to /${max} without host bits, such as ${example}`,
    (value) => {
      const parsed = parseSubnet(value);
      return parsed !== undefined && parsed.prefix >= min && parsed.prefix <= max;
    },
  );
}

const HOST_PART = String.raw`[a-zA-Z0-9][a-zA-Z0-9.-]{0,252}(?::\d{1,5})?`;
const NAME_PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const IMAGE = new RegExp(
  String.raw`^(?:${HOST_PART}/)?${NAME_PART}(?:/${NAME_PART})*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
);
const REGISTRY = new RegExp(`^${HOST_PART}(?:/${NAME_PART})*$`);
const HOST_AND_PORT = /^([a-zA-Z0-9][a-zA-Z0-9.-]{0,252}):(\d{1,5})$/;

export function imageReference() {
  return text(
    "must be an image reference such as registry.example.org/shop:1.4",
    (value) => value.length <= 400 && IMAGE.test(value),
  );
}

export function registryAddress() {
  return text(
    "must be host[:port][/path] of a registry, without scheme or user",
    (value) => value.length <= 400 && REGISTRY.test(value),
  );
}

export function hostAndPort() {
  return text("must be host:port", (value) => {
    const [, host = "", portText = ""] = HOST_AND_PORT.exec(value) ?? [];
    const number = Number(portText);
    return (isIPv4(host) || isDnsName(host)) && number >= 1 && number <= 65_535;
  });
}

/** PEM text with Unix line ends and one at its end. */
export function normalisePem(value: string): string {
  return `${value.replaceAll("\r", "").trim()}\n`;
}
