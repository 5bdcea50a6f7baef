/** `tls.SelfSignedCert` and `tls.LocallySignedCert`. */
import { algorithmOf, publicKeyInfo } from "./keys.js";
import { type CertificateRequest, createCertificate } from "./issue.js";
import { checkAllOneOf, checkNotEmpty, checkWhole } from "./rules.js";
import type { Checked, CheckFailure, ResourceSpec } from "../lib/table.js";
import type { Created, Difference, DiffRequest } from "../lib/resource.js";
import { isComputed, type PropertyMap } from "../lib/values.js";
import type { Log } from "../lib/operation.js";
import { LOCALLY_SIGNED_CERT, SELF_SIGNED_CERT } from "./properties.js";
import { parseAuthority, parseRequest } from "./issue.js";
import { PemResource, readKey, reading } from "./request.js";
import { readBoolean, readNumber, readString, readStrings } from "../lib/read.js";
import { ALLOWED_USES } from "./usages.js";
import { randomBytes } from "node:crypto";
import { readHolder } from "./names.js";

const HOUR_MILLISECONDS = 3_600_000;

const NO_AUTHORITY =
  "Certificate provided as Authority does not appear to be a valid Certificate Authority. " +
  "The resulting certificate might fail certificate validation.: " +
  "Potentially Invalid Certificate Authority";

type Issuing = Pick<CertificateRequest, "authority" | "holder" | "publicKey" | "signingKey"> & {
  readonly outputs: PropertyMap;
};

abstract class SignedCert extends PemResource {
  protected constructor(
    spec: ResourceSpec,
    private readonly now: () => Date,
  ) {
    super(spec);
  }

  protected abstract issuing(plan: PropertyMap, log: Log): Issuing;

  override check(news: PropertyMap, name: string): Checked {
    const checked = super.check(news, name);
    if (checked.failures.length > 0) return checked;
    return { ...checked, failures: checkCertificate(checked.inputs, name) };
  }

  override read(state: PropertyMap): PropertyMap {
    return this.isDue(state, state) ? { ...state, readyForRenewal: true } : state;
  }

  override diff(request: DiffRequest): Difference {
    const { changes, replaces } = super.diff(request);
    if (!this.isDue(request.state, request.inputs)) return { changes, replaces };
    return {
      changes: new Map([...changes, ["readyForRenewal", "update"]]),
      replaces: new Set([...replaces, "readyForRenewal"]),
    };
  }

  protected override plan(inputs: PropertyMap, state: PropertyMap = {}): PropertyMap {
    const defaults = { earlyRenewalHours: 0, isCaCertificate: false, setSubjectKeyId: false };
    // Once there is a limit, leaving it out of the program keeps it.
    const limit = state["maxPathLength"] ?? null;
    const kept = limit === null ? {} : { maxPathLength: limit };
    const plan: PropertyMap = { ...defaults, ...kept, ...inputs };
    return { ...plan, readyForRenewal: alwaysDue(plan) };
  }

  protected override async generate(plan: PropertyMap, log: Log): Promise<Created> {
    const { outputs, ...issuing } = this.issuing(plan, log);
    const notBefore = this.now();
    const notAfter = new Date(notBefore.getTime() + hours(plan, "validityPeriodHours"));
    const serialNumber = newSerialNumber();
    const certPem = createCertificate({
      ...issuing,
      serialNumber,
      notBefore,
      notAfter,
      allowedUses: readStrings(plan, "allowedUses") ?? [],
      isCa: readBoolean(plan, "isCaCertificate") ?? false,
      maxPathLength: readNumber(plan, "maxPathLength") ?? 0,
      setSubjectKeyId: readBoolean(plan, "setSubjectKeyId") ?? false,
      setAuthorityKeyId: readBoolean(plan, "setAuthorityKeyId") ?? false,
    });
    const id = BigInt(`0x${serialNumber.toString("hex")}`).toString();
    const times = {
      validityStartTime: notBefore.toISOString(),
      validityEndTime: notAfter.toISOString(),
    };
    return Promise.resolve({ id, outputs: { id, certPem, ...times, ...outputs } });
  }

  /** Within its early renewal period, or past its end. */
  private isDue(state: PropertyMap, inputs: PropertyMap): boolean {
    const end = Date.parse(readString(state, "validityEndTime") ?? "");
    const early = isComputed(inputs["earlyRenewalHours"]) ? state : inputs;
    return end - hours(early, "earlyRenewalHours") <= this.now().getTime();
  }
}

function checkCertificate(inputs: PropertyMap, name: string): CheckFailure[] {
  return [
    ...checkAllOneOf(inputs, name, "allowedUses", ALLOWED_USES),
    ...["ipAddresses", "uris"].flatMap((key) => checkNotEmpty(inputs, name, key)),
    ...checkWhole(inputs, name, "earlyRenewalHours", 0),
    ...checkWhole(inputs, name, "maxPathLength", -1),
    ...checkWhole(inputs, name, "validityPeriodHours", 0),
  ];
}

/** Whether a certificate is due for renewal from its first moment. */
function alwaysDue(plan: PropertyMap): boolean {
  if (isComputed(plan["validityPeriodHours"]) || isComputed(plan["earlyRenewalHours"]))
    return false;
  const validity = readNumber(plan, "validityPeriodHours") ?? 0;
  return validity === 0 || (readNumber(plan, "earlyRenewalHours") ?? 0) >= validity;
}

function hours(map: PropertyMap, key: string): number {
  return (readNumber(map, key) ?? 0) * HOUR_MILLISECONDS;
}

/** 128 random bits, as a positive integer in as few bytes as can be. */
function newSerialNumber(): Buffer {
  const random = randomBytes(16);
  const start = random.findIndex((byte) => byte !== 0);
  const digits = random.subarray(start === -1 ? 15 : start);
  return (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits;
}

export class SelfSignedCert extends SignedCert {
  constructor(now: () => Date = () => new Date()) {
    super(SELF_SIGNED_CERT, now);
  }

  protected override plan(inputs: PropertyMap, state?: PropertyMap): PropertyMap {
    return { setAuthorityKeyId: false, ...super.plan(inputs, state) };
  }

  protected override issuing(plan: PropertyMap): Issuing {
    const signingKey = readKey(plan, "privateKeyPem", "private key");
    return {
      authority: undefined,
      holder: readHolder(plan),
      publicKey: publicKeyInfo(signingKey),
      signingKey,
      outputs: { keyAlgorithm: algorithmOf(signingKey) },
    };
  }
}

export class LocallySignedCert extends SignedCert {
  constructor(now: () => Date = () => new Date()) {
    super(LOCALLY_SIGNED_CERT, now);
  }

  protected override issuing(plan: PropertyMap, log: Log): Issuing {
    const requested = reading("certificate request PEM", () =>
      parseRequest(readString(plan, "certRequestPem") ?? ""),
    );
    const signingKey = readKey(plan, "caPrivateKeyPem", "CA private key");
    const authority = reading("CA certificate PEM", () =>
      parseAuthority(readString(plan, "caCertPem") ?? ""),
    );
    if (!authority.isCa) log.message("warning", NO_AUTHORITY);
    const outputs = { caKeyAlgorithm: algorithmOf(signingKey) };
    return { authority, ...requested, signingKey, outputs };
  }
}
