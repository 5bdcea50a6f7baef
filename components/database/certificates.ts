import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { Component } from "../core/component";
import type { Host } from "../core/host";

const YEAR_HOURS = 365 * 24;

/** Certificate and key of one member, and the authority that all members trust. PEM. */
export interface MemberCertificate {
  readonly authority: pulumi.Output<string>;
  readonly certificate: pulumi.Output<string>;
  /** A secret. */
  readonly key: pulumi.Output<string>;
}

/**
 * A certificate authority of its own and one certificate per machine, for both ends of mutual TLS.
 * Valid for ten years; within its last year the next `pulumi up` renews a member's certificate.
 */
export class ClusterCertificates extends Component {
  /** By the machine's name. */
  readonly members: Readonly<Record<string, MemberCertificate>>;

  constructor(name: string, hosts: readonly Host[], opts?: pulumi.ComponentResourceOptions) {
    super("trivet:database:ClusterCertificates", name, opts);
    const parent = { parent: this };
    const key = new tls.PrivateKey(`${name}-authority-key`, ELLIPTIC, parent);
    const authority = new tls.SelfSignedCert(
      `${name}-authority`,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: name },
        isCaCertificate: true,
        validityPeriodHours: 20 * YEAR_HOURS,
        allowedUses: ["cert_signing", "crl_signing", "digital_signature"],
      },
      parent,
    );
    const members = hosts.map((host) => [host.name, this.issue(name, host, key, authority)]);
    this.members = Object.fromEntries(members) as Record<string, MemberCertificate>;
    this.registerOutputs({});
  }

  private issue(
    name: string,
    host: Host,
    authorityKey: tls.PrivateKey,
    authority: tls.SelfSignedCert,
  ): MemberCertificate {
    const prefix = `${name}-${host.name}`;
    const parent = { parent: this };
    const key = new tls.PrivateKey(`${prefix}-key`, ELLIPTIC, parent);
    const request = new tls.CertRequest(
      `${prefix}-request`,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: host.name },
        dnsNames: [host.name, "localhost"],
        ipAddresses: ["127.0.0.1", host.privateAddress],
      },
      parent,
    );
    const signed = new tls.LocallySignedCert(
      `${prefix}-certificate`,
      {
        certRequestPem: request.certRequestPem,
        caPrivateKeyPem: authorityKey.privateKeyPem,
        caCertPem: authority.certPem,
        validityPeriodHours: 10 * YEAR_HOURS,
        earlyRenewalHours: YEAR_HOURS,
        allowedUses: ["digital_signature", "key_encipherment", "server_auth", "client_auth"],
      },
      parent,
    );
    return { authority: authority.certPem, certificate: signed.certPem, key: key.privateKeyPem };
  }
}

const ELLIPTIC = { algorithm: "ECDSA", ecdsaCurve: "P256" } as const;
