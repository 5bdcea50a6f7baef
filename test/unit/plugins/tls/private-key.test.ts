import assert from "node:assert/strict";
import { Computed, Secret } from "../../../plugins/lib/values.js";
import { make, P256 } from "./fixture.js";
import { missing, openssl, run } from "../support/openssl.js";
import { operation } from "../support/resource.js";
import { PrivateKey } from "../../../plugins/tls/private-key.js";

const resource = new PrivateKey();
const RSA = { algorithm: "RSA", rsaBits: 1024 };
const ED25519 = { algorithm: "ED25519" };

const CASES = [
  [RSA, "RSA PRIVATE KEY", /Private-Key: \(1024 bit/],
  [{ algorithm: "ECDSA" }, "EC PRIVATE KEY", /P-224/],
  [P256, "EC PRIVATE KEY", /P-256/],
  [{ algorithm: "ECDSA", ecdsaCurve: "P384" }, "EC PRIVATE KEY", /P-384/],
  [{ algorithm: "ECDSA", ecdsaCurve: "P521" }, "EC PRIVATE KEY", /P-521/],
  [ED25519, "PRIVATE KEY", /ED25519 Private-Key/],
] as const;

describe("tls private key", () => {
  for (const [inputs, label, shown] of CASES) {
    const name = Object.values(inputs).join(" ");

    it(`${name} is read by openssl in each of its forms`, async function () {
      if (missing("openssl")) this.skip();
      const made = await make(resource, inputs);
      assert.ok(made.text("privateKeyPem").startsWith(`-----BEGIN ${label}-----\n`));
      assert.ok(made.text("privateKeyPemPkcs8").startsWith("-----BEGIN PRIVATE KEY-----\n"));
      for (const form of ["privateKeyPem", "privateKeyPemPkcs8"]) {
        const files = { "key.pem": made.text(form) };
        assert.match(openssl("pkey -in key.pem -noout -text", files), shown);
        assert.equal(openssl("pkey -in key.pem -pubout", files), made.text("publicKeyPem"));
      }
    });

    it(`${name} is read by ssh-keygen`, async function () {
      if (missing("ssh-keygen")) this.skip();
      const made = await make(resource, inputs);
      const [key, publicKey] = [made.text("privateKeyOpenssh"), made.text("publicKeyOpenssh")];
      if (shown.source === "P-224") {
        assert.deepEqual([key, publicKey, made.text("publicKeyFingerprintMd5")], ["", "", ""]);
        return;
      }
      assert.equal(run("ssh-keygen", ["-y", "-f", "key"], { key }).stdout.trim(), publicKey.trim());
      const md5 = run("ssh-keygen", ["-l", "-E", "md5", "-f", "key"], { key }).stdout;
      assert.ok(md5.includes(`MD5:${made.text("publicKeyFingerprintMd5")} `));
      const sha256 = run("ssh-keygen", ["-l", "-f", "key"], { key }).stdout;
      assert.ok(sha256.includes(` ${made.text("publicKeyFingerprintSha256")} `));
    });
  }

  it("keeps the private forms secret and records the defaults", async () => {
    const { id, state, secrets } = await make(resource, ED25519);
    assert.deepEqual(secrets, ["privateKeyOpenssh", "privateKeyPem", "privateKeyPemPkcs8"]);
    assert.match(id, /^[0-9a-f]{40}$/);
    assert.deepEqual(
      [state["id"], state["algorithm"], state["ecdsaCurve"], state["rsaBits"]],
      [id, "ED25519", "P224", 2048],
    );
  });

  it("knows nothing but its inputs in a preview", async () => {
    const { outputs } = await resource.create(
      { name: "it", inputs: ED25519, preview: true },
      operation(),
    );
    assert.deepEqual(outputs["privateKeyPem"], new Secret(new Computed()));
    assert.deepEqual(outputs["publicKeyPem"], new Computed());
    assert.equal(outputs["rsaBits"], 2048);
  });

  it("is replaced by any change, and by none for a default that is written out", async () => {
    const { state } = await make(resource, ED25519);
    const diff = (inputs: Record<string, string | number>) =>
      resource.diff({ state, oldInputs: ED25519, inputs });
    assert.equal(diff({ ...ED25519, rsaBits: 2048 }).changes.size, 0);
    assert.deepEqual([...diff({ ...ED25519, rsaBits: 4096 }).replaces], ["rsaBits"]);
    assert.deepEqual([...diff(P256).replaces], ["ecdsaCurve", "algorithm"]);
  });

  it("refuses RSA keys that are too short", async () => {
    await assert.rejects(make(resource, { algorithm: "RSA", rsaBits: 512 }), {
      message: "Unable to generate Key from configuration: crypto/rsa: 512-bit keys are insecure",
    });
  });

  it("checks names and numbers", () => {
    const { failures } = resource.check({ algorithm: "DSA", ecdsaCurve: "P1", rsaBits: 1.5 }, "k");
    assert.deepEqual(failures, [
      {
        property: "algorithm",
        reason:
          'Invalid Attribute Value Match. Attribute algorithm value must be one of: ["RSA" "ECDSA" ' +
          `"ED25519"], got: "DSA". Examine values at 'k.algorithm'.`,
      },
      {
        property: "ecdsaCurve",
        reason:
          'Invalid Attribute Value Match. Attribute ecdsa_curve value must be one of: ["P224" ' +
          `"P256" "P384" "P521"], got: "P1". Examine values at 'k.ecdsaCurve'.`,
      },
      {
        property: "rsaBits",
        reason:
          "Invalid Attribute Value. Attribute rsa_bits value must be a whole number, got: 1.5. " +
          "Examine values at 'k.rsaBits'.",
      },
    ]);
    assert.deepEqual(resource.check({ algorithm: new Computed() }, "k").failures, []);
  });
});
