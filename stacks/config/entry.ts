import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { z } from "zod";
import {
  ALWAYS,
  filledList,
  group,
  hostName,
  isNetwork,
  normalisePem,
  port,
  text,
  wholeNumber,
} from "./fields";

export const domainsSchema = filledList(hostName(), "host names such as [example.org]");

const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function isCertificate(pem: string): boolean {
  const blocks = pem.match(CERTIFICATE_BLOCK) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block)).length > 0;
  } catch {
    return false;
  }
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).type === "private";
  } catch {
    return false;
  }
}

const MUST_BE_CERTIFICATE =
  "must be one or more certificates in PEM, the server's own first (and no private key)";
const MUST_BE_KEY = "must be a private key in PEM, without a passphrase";

export const tlsSchema = group({
  /**
   * `selfsigned`: the platform makes its own certificate, which browsers warn about.
   * `certificate`: the one given here. @default "selfsigned"
   */
  mode: z
    .enum(["selfsigned", "certificate"], 'must be "selfsigned" or "certificate"')
    .default("selfsigned"),
  /** PEM: the server's certificate, then those that sign it. Covers every domain. */
  certificate: z
    .string(MUST_BE_CERTIFICATE)
    .transform(normalisePem)
    .refine((pem) => !pem.includes("PRIVATE KEY") && isCertificate(pem), MUST_BE_CERTIFICATE)
    .exactOptional(),
  /** PEM: the private key of `certificate`. A secret: wrap it with `pulumi.secret`. */
  key: z
    .string(MUST_BE_KEY)
    .transform(normalisePem)
    .refine(isPrivateKey, MUST_BE_KEY)
    .exactOptional(),
}).superRefine((tls, ctx) => {
  for (const field of ["certificate", "key"] as const) {
    if (tls.mode === "certificate" && tls[field] === undefined) {
      const message = 'is missing, required with tls.mode "certificate"';
      ctx.addIssue({ code: "custom", path: [field], message });
    }
    if (tls.mode === "selfsigned" && tls[field] !== undefined) {
      const message = 'is given, but tls.mode is "selfsigned": set tls.mode to "certificate"';
      ctx.addIssue({ code: "custom", path: [field], message });
    }
  }
}, ALWAYS);

/** Where nginx's certificate comes from. @interface */
export type TlsConfig = z.output<typeof tlsSchema>;

/** What is wrong between a certificate, its key, the domains and today. */
export function certificateProblems(
  tls: TlsConfig,
  domains: readonly string[],
  now: Date,
): { field: "certificate" | "key"; message: string }[] {
  if (tls.certificate === undefined) return [];
  const certificate = new X509Certificate(tls.certificate);
  const problems: { field: "certificate" | "key"; message: string }[] = [];
  if (tls.key !== undefined && !certificate.checkPrivateKey(createPrivateKey(tls.key))) {
    const message = "does not belong to the first certificate of tls.certificate";
    problems.push({ field: "key", message });
  }
  for (const domain of domains.filter((name) => !covers(certificate, name))) {
    const message = `does not cover ${domain}, its names are ${certificate.subjectAltName ?? "none"}`;
    problems.push({ field: "certificate", message });
  }
  if (new Date(certificate.validTo) < now) {
    const message = `expired on ${certificate.validTo}, must be valid today`;
    problems.push({ field: "certificate", message });
  }
  if (new Date(certificate.validFrom) > now) {
    const message = `is not valid before ${certificate.validFrom}, must be valid today`;
    problems.push({ field: "certificate", message });
  }
  return problems;
}

function covers(certificate: X509Certificate, domain: string): boolean {
  const found =
    isIP(domain) === 0
      ? // Browsers have not looked at the subject's common name for years.
        certificate.checkHost(domain, { subject: "never" })
      : certificate.checkIP(domain);
  return found !== undefined;
}

/** Whole days until the certificate ends; undefined without one. */
export function certificateDaysLeft(tls: TlsConfig, now: Date): number | undefined {
  if (tls.certificate === undefined) return undefined;
  const end = new Date(new X509Certificate(tls.certificate).validTo);
  return Math.floor((end.getTime() - now.getTime()) / 86_400_000);
}

export const loadBalancerSchema = group({
  /** Largest request body. MiB, 1 to 10240. @default 32 */
  maxBodyMiB: wholeNumber(1, 10_240).default(32),
  /** Longest silence of an application, WebSockets included. Seconds, 1 to 86400. @default 300 */
  readTimeoutSeconds: wholeNumber(1, 86_400).default(300),
});

/** nginx. @interface */
export type LoadBalancerConfig = z.output<typeof loadBalancerSchema>;

export const firewallSchema = group({
  /** Networks that may reach SSH, IPv4 or IPv6 in CIDR form. @default ["0.0.0.0/0", "::/0"] */
  sshFrom: filledList(
    text(
      "must be a network in CIDR form without host bits, such as 203.0.113.7/32 or 2001:db8::/64",
      isNetwork,
    ),
    "networks such as [203.0.113.7/32]",
  ).default(["0.0.0.0/0", "::/0"]),
  /** TCP ports open to the world, 1 to 65535; none of the platform's own. @default [80, 443] */
  publicPorts: filledList(port(), "ports such as [80, 443]").default([80, 443]),
});

/** What the world may reach. @interface */
export type FirewallConfig = z.output<typeof firewallSchema>;
