import assert from "node:assert/strict";
import { ClusterCertificates } from "../../../components/database/certificates";
import { assertNoLeak } from "../support/leaks";
import { valueOf } from "../support/outputs";
import { certificateOf, hosts, keyOf, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

describe("ClusterCertificates", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("makes one authority and a certificate for each machine", async () => {
    const { members } = new ClusterCertificates("etcd", hosts(3));
    await engine.settled();
    assert.deepEqual(Object.keys(members), ["vm1", "vm2", "vm3"]);
    const each = (machine: string) => [
      `etcd-${machine}-certificate`,
      `etcd-${machine}-key`,
      `etcd-${machine}-request`,
    ];
    assert.deepEqual(engine.names(), [
      "etcd",
      "etcd-authority",
      "etcd-authority-key",
      ...["vm1", "vm2", "vm3"].flatMap(each),
    ]);
    assert.equal(await valueOf(members.vm2?.authority), certificateOf("etcd-authority"));
    assert.equal(await valueOf(members.vm2?.certificate), certificateOf("etcd-vm2-certificate"));
    assert.equal(await valueOf(members.vm2?.key), keyOf("etcd-vm2-key"));
  });

  it("names a member by its machine and its private address, for both ends", async () => {
    new ClusterCertificates("etcd", hosts(3));
    await engine.settled();
    const request = engine.get("etcd-vm2-request").inputs;
    assert.deepEqual(request.subject, { commonName: "vm2" });
    assert.deepEqual(request.dnsNames, ["vm2", "localhost"]);
    assert.deepEqual(request.ipAddresses, ["127.0.0.1", "10.0.0.2"]);
    const signed = engine.get("etcd-vm2-certificate").inputs;
    assert.equal(signed.certRequestPem, "request-of-etcd-vm2-request");
    assert.equal(signed.caCertPem, certificateOf("etcd-authority"));
    assert.equal(signed.caPrivateKeyPem, keyOf("etcd-authority-key"));
    assert.equal(signed.validityPeriodHours, 87_600);
    assert.equal(signed.earlyRenewalHours, 8760);
    assert.deepEqual(signed.allowedUses, [
      "digital_signature",
      "key_encipherment",
      "server_auth",
      "client_auth",
    ]);
    assert.equal(signed.isCaCertificate, undefined);
  });

  it("lets the authority sign, and outlive its members", async () => {
    new ClusterCertificates("etcd", hosts(1));
    await engine.settled();
    const { isCaCertificate, validityPeriodHours, allowedUses } =
      engine.get("etcd-authority").inputs;
    assert.equal(isCaCertificate, true);
    assert.equal(validityPeriodHours, 175_200);
    assert.deepEqual(allowedUses, ["cert_signing", "crl_signing", "digital_signature"]);
    assert.equal(engine.get("etcd-authority-key").inputs.ecdsaCurve, "P256");
  });

  it("tells no key", async () => {
    new ClusterCertificates("etcd", hosts(3));
    await engine.settled();
    assertNoLeak(engine.made, [
      keyOf("etcd-authority-key").trimEnd(),
      keyOf("etcd-vm3-key").trimEnd(),
    ]);
  });
});
