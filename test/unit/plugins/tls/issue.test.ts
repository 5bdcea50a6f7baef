import assert from "node:assert/strict";
import { CA_INPUTS, leafInputs, make, makeAuthority, makeKey, makeLeaf } from "./fixture.js";
import { extension, missing, openssl } from "../support/openssl.js";
import { LEAF_INPUTS, makeRequest, P256 } from "./fixture.js";
import { ALLOWED_USES } from "../../../plugins/tls/usages.js";
import { SelfSignedCert } from "../../../plugins/tls/certificates.js";

const KEYS = [
  P256,
  { algorithm: "ECDSA", ecdsaCurve: "P224" },
  { algorithm: "ECDSA", ecdsaCurve: "P521" },
  { algorithm: "ED25519" },
  { algorithm: "RSA", rsaBits: 2048 },
];

function verify(options: string, ca: string, cert: string): string {
  const files = { "ca.pem": ca, "cert.pem": cert };
  return openssl(`verify -x509_strict -CAfile ca.pem ${options} cert.pem`, files);
}

async function selfSigned(inputs: Parameters<typeof leafInputs>[0] = {}): Promise<string> {
  const privateKeyPem = await makeKey();
  const made = await make(new SelfSignedCert(), { ...LEAF_INPUTS, privateKeyPem, ...inputs });
  return made.text("certPem");
}

describe("tls certificates, asked of openssl", () => {
  before(function () {
    if (missing("openssl")) this.skip();
  });

  for (const key of KEYS) {
    it(`verify against an authority with ${Object.values(key).join(" ")}`, async () => {
      const ca = await makeAuthority(key);
      const cert = await makeLeaf(await leafInputs({ ...ca }));
      const options = "-purpose sslserver -verify_hostname app.example.org";
      assert.equal(verify(options, ca.caCertPem, cert), "cert.pem: OK\n");
      assert.throws(() => verify("-purpose sslclient", ca.caCertPem, cert), /purpose/);
      assert.throws(() => verify("-verify_hostname b.org", ca.caCertPem, cert), /mismatch/);
    });
  }

  it("do not verify against another authority of the same name", async () => {
    const other = await makeAuthority();
    const cert = await makeLeaf(await leafInputs());
    assert.throws(() => verify("-purpose any", other.caCertPem, cert), /error \d+ at 0 depth/);
  });

  it("take every name of the request over", async () => {
    const names = {
      dnsNames: ["a.example.org", "*.example.org"],
      ipAddresses: ["10.0.0.1", "fd00::1"],
      uris: ["spiffe://t/app"],
    };
    const cert = await makeLeaf(await leafInputs({ certRequestPem: await makeRequest(names) }));
    const shown =
      "DNS:a.example.org, DNS:*.example.org, IP Address:10.0.0.1, " +
      "IP Address:FD00:0:0:0:0:0:0:1, URI:spiffe://t/app";
    assert.equal(extension(cert, "subjectAltName"), shown);
    assert.equal(extension(await selfSigned(names), "subjectAltName"), shown);
  });

  it("mark the names critical when there is no subject", async () => {
    const heading = (cert: string) =>
      openssl("x509 -in cert.pem -noout -ext subjectAltName", { "cert.pem": cert }).split("\n")[0];
    assert.match(heading(await selfSigned({ dnsNames: ["a"] })) ?? "", /critical$/);
    const subject = { commonName: "a" };
    assert.doesNotMatch(heading(await selfSigned({ dnsNames: ["a"], subject })) ?? "", /critical/);
  });

  it("survive a subject outside ASCII, and drop an e-mail address as the official plugin does", async () => {
    const ca = await makeAuthority(P256, {
      subject: { organization: "Österreich*", country: "AT" },
    });
    const subject = { commonName: "a", streetAddresses: ["x", "y"], emailAddress: "a@b.org" };
    const certRequestPem = await makeRequest({ subject });
    const cert = await makeLeaf({ ...ca, certRequestPem, ...LEAF_INPUTS });
    assert.equal(verify("-purpose any", ca.caCertPem, cert), "cert.pem: OK\n");
    const shown = openssl("x509 -in cert.pem -noout -subject -nameopt RFC2253", {
      "cert.pem": cert,
    });
    assert.equal(shown, "subject=CN=a,street=y+street=x\n");
  });

  it("know every use", async () => {
    const cert = await selfSigned({ allowedUses: [...ALLOWED_USES] });
    assert.equal(
      extension(cert, "keyUsage"),
      "Digital Signature, Non Repudiation, Key Encipherment, Data Encipherment, Key Agreement, " +
        "Certificate Sign, CRL Sign, Encipher Only, Decipher Only",
    );
    assert.equal(
      extension(cert, "extendedKeyUsage"),
      "Any Extended Key Usage, TLS Web Client Authentication, Code Signing, E-mail Protection, " +
        "IPSec End System, IPSec Tunnel, IPSec User, Microsoft Commercial Code Signing, " +
        "1.3.6.1.4.1.311.61.1.1, Microsoft Server Gated Crypto, Netscape Server Gated Crypto, " +
        "OCSP Signing, TLS Web Server Authentication, Time Stamping",
    );
    const without = await selfSigned({ allowedUses: [] });
    assert.equal(extension(without, "keyUsage,extendedKeyUsage"), "");
  });

  it("say whether they are an authority, and how long a chain may be", async () => {
    assert.equal(extension(await selfSigned(), "basicConstraints"), "CA:FALSE");
    const ca = async (maxPathLength: number) => selfSigned({ ...CA_INPUTS, maxPathLength });
    assert.equal(extension(await ca(2), "basicConstraints"), "CA:TRUE, pathlen:2");
    assert.equal(extension(await ca(0), "basicConstraints"), "CA:TRUE");
    assert.equal(extension(await ca(-1), "basicConstraints"), "CA:TRUE");
  });

  it("have key identifiers where they were asked for, and an authority always", async () => {
    const ids = "subjectKeyIdentifier,authorityKeyIdentifier";
    assert.equal(extension(await selfSigned(), ids), "");
    const both = extension(
      await selfSigned({ setSubjectKeyId: true, setAuthorityKeyId: true }),
      ids,
    );
    const [own, authority] = both.match(/([0-9A-F]{2}:){19}[0-9A-F]{2}/g) ?? [];
    assert.ok(own !== undefined && own === authority);
    const ca = await makeAuthority();
    const cert = await makeLeaf(await leafInputs({ ...ca }));
    assert.equal(
      extension(cert, "authorityKeyIdentifier"),
      extension(ca.caCertPem, "subjectKeyIdentifier"),
    );
  });

  it("may be valid beyond 2050", async () => {
    const cert = await selfSigned({ validityPeriodHours: 24 * 365 * 50 });
    const [, year] = openssl("x509 -in cert.pem -noout -enddate", { "cert.pem": cert }).match(
      / (\d{4}) GMT/,
    ) ?? ["", ""];
    assert.ok(Number(year) >= new Date().getFullYear() + 49);
  });
});

describe("tls certificates, refused", () => {
  it("without a subject for an authority", async () => {
    await assert.rejects(selfSigned({ ...CA_INPUTS, subject: {} }), {
      message:
        "Invalid Certificate Subject: Must contain at least one Distinguished Name when creating " +
        "Certificate Authority (CA)",
    });
  });

  it("with a path length and no authority", async () => {
    await assert.rejects(selfSigned({ maxPathLength: 1 }), {
      message: "Failed to create certificate: x509: only CAs are allowed to specify MaxPathLen",
    });
  });

  it("with an authority key identifier that nothing has", async () => {
    await assert.rejects(selfSigned({ setAuthorityKeyId: true }), {
      message: "Invalid Certificate Authority: Could not determine Authority Key Identifier",
    });
  });

  it("with a key that is not the authority's", async () => {
    await assert.rejects(makeLeaf(await leafInputs({ caPrivateKeyPem: await makeKey() })), {
      message:
        "Failed to create certificate: x509: provided PrivateKey doesn't match parent's PublicKey",
    });
  });

  it("with PEM of another kind", async () => {
    const inputs = await leafInputs();
    await assert.rejects(makeLeaf({ ...inputs, certRequestPem: inputs["caCertPem"] ?? "" }), {
      message:
        "Failed to parse certificate request PEM: invalid PEM type - expected " +
        '"CERTIFICATE REQUEST", got "CERTIFICATE"',
    });
    await assert.rejects(makeLeaf({ ...inputs, caCertPem: "text" }), {
      message:
        'Failed to parse CA certificate PEM: failed to decode PEM of expected type "CERTIFICATE" ' +
        "from bytes",
    });
  });
});
