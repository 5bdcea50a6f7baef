import assert from "node:assert/strict";
import { make, makeKey, makeRequest, P256 } from "./fixture.js";
import { missing, run } from "../support/openssl.js";
import { CertRequest } from "../../../plugins/tls/request.js";
import { Computed } from "../../../plugins/lib/values.js";

const resource = new CertRequest();

/** The request as openssl shows it, once it has found the signature right. */
function show(request: string): string {
  const args = "req -in csr.pem -noout -verify -text -nameopt RFC2253".split(" ");
  const { stdout, stderr } = run("openssl", args, { "csr.pem": request });
  // With a wrong signature openssl only says so, and does not fail.
  assert.match(stderr, /verify OK/);
  return stdout;
}

describe("tls certificate request", () => {
  it("is signed by its key, whatever the key", async function () {
    if (missing("openssl")) this.skip();
    const keys = [P256, { algorithm: "ECDSA" }, { algorithm: "ED25519" }];
    for (const key of [...keys, { algorithm: "RSA", rsaBits: 1024 }]) {
      assert.match(show(await makeRequest({ subject: { commonName: "a" } }, key)), /Subject: CN=a/);
    }
  });

  it("carries the subject and every kind of name", async function () {
    if (missing("openssl")) this.skip();
    const subject = {
      ...{ commonName: "app", organization: "Trivet, Inc", organizationalUnit: "ops" },
      ...{ country: "DE", province: "Bayern", locality: "München", postalCode: "80331" },
      ...{ streetAddresses: ["Platz 1"], serialNumber: "7", emailAddress: "ops@example.org" },
    };
    const ipAddresses = ["10.0.0.1", "fd00::1", "::ffff:10.0.0.2"];
    const names = { dnsNames: ["app.example.org"], ipAddresses, uris: ["spiffe://t/app"] };
    const shown = show(await makeRequest({ subject, ...names }));
    assert.match(
      shown,
      /Subject: emailAddress=ops@example.org,serialNumber=7,CN=app,OU=ops,O=Trivet\\, Inc,postalCode=80331,street=Platz 1,L=M\\C3\\BCnchen,ST=Bayern,C=DE/,
    );
    assert.match(
      shown,
      /DNS:app.example.org, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1, IP Address:10.0.0.2, URI:spiffe:\/\/t\/app/,
    );
  });

  it("may have neither a subject nor names", async function () {
    if (missing("openssl")) this.skip();
    assert.match(show(await makeRequest({})), /Subject: *\n/);
  });

  it("keeps its key secret and says which kind it is", async () => {
    const privateKeyPem = await makeKey({ algorithm: "ED25519" });
    const { id, state, secrets } = await make(resource, { privateKeyPem });
    assert.deepEqual(secrets, ["privateKeyPem"]);
    assert.equal(state["keyAlgorithm"], "ED25519");
    assert.match(id, /^[0-9a-f]{40}$/);
  });

  it("is replaced by any change, also by one that is not known yet", async () => {
    const inputs = {
      privateKeyPem: await makeKey(),
      subject: { commonName: "a" },
      dnsNames: ["a"],
    };
    const { state } = await make(resource, inputs);
    const diff = (changed: object) =>
      resource.diff({ state, oldInputs: inputs, inputs: { ...inputs, ...changed } });
    assert.equal(diff({}).changes.size, 0);
    assert.deepEqual([...diff({ subject: { commonName: "b" } }).replaces], ["subject.commonName"]);
    assert.deepEqual([...diff({ dnsNames: ["a", "b"] }).replaces], ["dnsNames[1]"]);
    assert.deepEqual([...diff({ privateKeyPem: new Computed() }).replaces], ["privateKeyPem"]);
  });

  it("takes over a key without replacement when the state holds none in PEM", async () => {
    const { state } = await make(resource, { privateKeyPem: await makeKey() });
    const before = { ...state, privateKeyPem: "a hash from an old version" };
    const inputs = { privateKeyPem: await makeKey() };
    const { changes, replaces } = resource.diff({ state: before, oldInputs: {}, inputs });
    assert.deepEqual([[...changes.keys()], [...replaces]], [["privateKeyPem"], []]);
    const updated = await resource.update({ state: before, inputs, preview: false });
    assert.equal(updated["certRequestPem"], state["certRequestPem"]);
  });

  it("refuses what is no address, no URI and no ASCII", async () => {
    const refused = (inputs: Parameters<typeof makeRequest>[0], message: string) =>
      assert.rejects(makeRequest(inputs), { message });
    await refused({ ipAddresses: ["10.0.0"] }, 'Invalid IP address: Failed to parse "10.0.0"');
    await refused(
      { ipAddresses: ["fe80::1%x"] },
      'Invalid IP address: Failed to parse "fe80::1%x"',
    );
    await refused({ uris: ["not a uri"] }, 'Invalid URI: Failed to parse "not a uri"');
    await refused({ dnsNames: ["ä.org"] }, 'x509: "ä.org" cannot be encoded as an IA5String');
    assert.deepEqual(
      resource.check({ privateKeyPem: "x", ipAddresses: [""] }, "r").failures[0]?.reason,
      "Invalid Attribute Value Length. Attribute ip_addresses[0] string length must be at least 1, " +
        "got: 0. Examine values at 'r.ipAddresses[0]'.",
    );
  });

  it("says why a key cannot be used", async () => {
    const refused = (privateKeyPem: string, message: string | RegExp) =>
      assert.rejects(make(resource, { privateKeyPem }), { message });
    const failed = "Failed to parse private key PEM:";
    await refused("text", `${failed} failed to decode PEM block: decoded bytes 0, undecoded 4`);
    const certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    await refused(
      certificate,
      `${failed} unable to determine parser for PEM preamble: CERTIFICATE`,
    );
    const openssh = certificate.replaceAll("CERTIFICATE", "OPENSSH PRIVATE KEY");
    await refused(openssh, `${failed} unsupported PEM preamble/type: OPENSSH PRIVATE KEY`);
    const broken = certificate.replaceAll("CERTIFICATE", "PRIVATE KEY");
    const reason = /failed to parse private key given PEM preamble 'PRIVATE KEY': /;
    await assert.rejects(make(resource, { privateKeyPem: broken }), reason);
  });
});
