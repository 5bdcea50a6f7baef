import * as specs from "../../../plugins/tls/properties.js";
import assert from "node:assert/strict";
import { CertRequest } from "../../../plugins/tls/request.js";
import { LocallySignedCert } from "../../../plugins/tls/certificates.js";
import { Provider } from "../../../plugins/lib/provider.js";
import { readFileSync } from "node:fs";

const provider = new Provider(specs.PLUGIN, [new CertRequest(), new LocallySignedCert()]);
const urn = (type: string) => `urn:pulumi:dev::shop::${type}::it`;

describe("the stand-in for tls", () => {
  it("has the version of the package that programs use", () => {
    const manifest = readFileSync(require.resolve("@pulumi/tls/package.json"), "utf8");
    assert.ok(manifest.includes(`"version": "${specs.PLUGIN.version}"`));
  });

  it("refuses properties that it does not serve", () => {
    const news = { privateKeyPemWo: "x", subject: { title: "Dr" } };
    const { failures } = provider.check(urn("tls:index/certRequest:CertRequest"), news);
    const refusal = (what: string) =>
      `the stand-in for tls does not serve property ${what} of tls:index/certRequest:CertRequest; ` +
      "with the official plugin pulumi-resource-tls v5.6.1 it may be available";
    assert.deepEqual(failures, [
      { property: "privateKeyPemWo", reason: refusal("privateKeyPemWo") },
      { property: "subject.title", reason: refusal("subject.title") },
      { property: "privateKeyPem", reason: "missing required property privateKeyPem" },
    ]);
  });

  it("refuses types that it does not serve", () => {
    assert.throws(() => provider.check(urn("tls:index/other:Other"), {}), {
      message:
        "the stand-in for tls does not serve the type tls:index/other:Other; " +
        "with the official plugin pulumi-resource-tls v5.6.1 it may be available",
    });
  });
});
