import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { ArgsCheck } from "../core/args-check";
import { firstOf } from "../core/collections";
import { Component } from "../core/component";
import type { TlsCertificate } from "./nginx-load-balancer";

/** Arguments of {@link SelfSignedCertificate}. */
export interface SelfSignedCertificateArgs {
  /** Host names and IP addresses that it is for. At least one. */
  domains: readonly string[];
  /** Days until it ends, 1 to 825: browsers refuse longer ones. Renewed 30 days before. @default 397 */
  validDays?: number;
}

/** A certificate that nobody vouches for: for stand-in machines, and until a real one is there. */
export class SelfSignedCertificate extends Component implements TlsCertificate {
  readonly certificate: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;

  constructor(
    name: string,
    args: SelfSignedCertificateArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { domains, validDays = 397 } = args;
    new ArgsCheck(`SelfSignedCertificate "${name}"`)
      .nonEmpty(domains, "domains")
      .integer(validDays, "validDays", 1, 825)
      .done();
    super("trivet:web:SelfSignedCertificate", name, opts);

    const parent = { parent: this };
    const key = new tls.PrivateKey(
      `${name}-key`,
      { algorithm: "ECDSA", ecdsaCurve: "P256" },
      parent,
    );
    const signed = new tls.SelfSignedCert(
      name,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: firstOf(domains).slice(0, 64) },
        dnsNames: domains.filter((domain) => isIP(domain) === 0),
        ipAddresses: domains.filter((domain) => isIP(domain) !== 0),
        validityPeriodHours: validDays * 24,
        earlyRenewalHours: Math.min(30, validDays / 2) * 24,
        allowedUses: ["digital_signature", "key_encipherment", "server_auth"],
      },
      parent,
    );
    this.certificate = signed.certPem;
    this.key = pulumi.secret(key.privateKeyPem);
    this.registerOutputs({});
  }
}
