import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { SelfSignedCertificate } from "../../../components/web/self-signed-certificate";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { problemsOf, valueOf } from "../support/outputs";
import { certificateOf, keyOf, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

describe("SelfSignedCertificate", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("is for names and addresses, and tells no key", async () => {
    const domains = ["example.org", "203.0.113.1", "2001:db8::1", "www.example.org"];
    const { certificate, key } = new SelfSignedCertificate("own", { domains });
    await engine.settled();
    const { inputs } = engine.get("own");
    assert.deepEqual(inputs.subject, { commonName: "example.org" });
    assert.deepEqual(inputs.dnsNames, ["example.org", "www.example.org"]);
    assert.deepEqual(inputs.ipAddresses, ["203.0.113.1", "2001:db8::1"]);
    assert.deepEqual(inputs.allowedUses, ["digital_signature", "key_encipherment", "server_auth"]);
    assert.equal(inputs.earlyRenewalHours, 720);
    assert.equal(await valueOf(certificate), certificateOf("own"));
    assert.equal(await valueOf(key), keyOf("own-key"));
    assert.equal(await pulumi.isSecret(key), true);
    assertNoLeak(engine.made, [keyOf("own-key").trimEnd()]);
  });

  it("cuts a common name that is longer than a certificate takes", async () => {
    const long = `${"a".repeat(60)}.example.org`;
    new SelfSignedCertificate("own", { domains: [long] });
    await engine.settled();
    const { subject, dnsNames } = engine.get("own").inputs;
    assert.deepEqual(subject, { commonName: long.slice(0, 64) });
    assert.deepEqual(dnsNames, [long]);
  });

  it("is renewed before it ends, however short it is", async () => {
    new SelfSignedCertificate("own", { domains: ["a"], validDays: 1 });
    await engine.settled();
    const { validityPeriodHours, earlyRenewalHours } = engine.get("own").inputs;
    assert.deepEqual([validityPeriodHours, earlyRenewalHours], [24, 12]);
  });

  it("has the default that its documentation names", async () => {
    const file = "components/web/self-signed-certificate.ts";
    const { validDays } = documentedDefaults(file, "SelfSignedCertificateArgs");
    new SelfSignedCertificate("own", { domains: ["a"] });
    await engine.settled();
    assert.equal(engine.get("own").inputs.validityPeriodHours, Number(validDays) * 24);
  });

  it("refuses no names and days that browsers refuse, and makes nothing", () => {
    const make = (domains: string[], validDays: number) =>
      problemsOf(() => new SelfSignedCertificate("own", { domains, validDays }));
    assert.deepEqual(make([], 826), [
      "  - domains: is empty, needs at least one entry",
      "  - validDays: is 826, must be a whole number from 1 to 825",
    ]);
    assert.deepEqual(engine.made, []);
  });
});
