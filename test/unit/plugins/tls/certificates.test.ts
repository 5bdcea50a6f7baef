import assert from "node:assert/strict";
import { Computed, type PropertyMap, Secret } from "../../../plugins/lib/values.js";
import { HOUR, LEAF_INPUTS, leafInputs, make, makeKey, P256 } from "./fixture.js";
import { LocallySignedCert, SelfSignedCert } from "../../../plugins/tls/certificates.js";
import { makeAuthority } from "./fixture.js";
import { operation } from "../support/resource.js";
import type { Resource } from "../../../plugins/lib/resource.js";

const START = Date.parse("2030-01-01T00:00:00.000Z");

/** A clock that the tests set. */
class Clock {
  private hours = 0;

  readonly now = () => new Date(START + this.hours * HOUR);

  advance(hours: number) {
    this.hours += hours;
  }
}

function diff(resource: Resource, state: PropertyMap, inputs: PropertyMap) {
  const found = resource.diff({ state, oldInputs: inputs, inputs });
  return { changes: [...found.changes.keys()], replaces: [...found.replaces] };
}

const NONE = { changes: [], replaces: [] };
const DUE = { changes: ["readyForRenewal"], replaces: ["readyForRenewal"] };

describe("tls certificates", () => {
  it("record times, defaults and the kind of key, and keep the key secret", async () => {
    const inputs = { ...LEAF_INPUTS, privateKeyPem: await makeKey() };
    const resource = new SelfSignedCert(new Clock().now);
    const { id, state, secrets, text } = await make(resource, inputs);
    assert.deepEqual(secrets, ["privateKeyPem"]);
    assert.match(id, /^[0-9]{20,39}$/);
    const { certPem, privateKeyPem, ...rest } = state;
    assert.equal(certPem, text("certPem"));
    assert.match(text("certPem"), /^-----BEGIN CERTIFICATE-----\n/);
    assert.ok(privateKeyPem instanceof Secret);
    assert.deepEqual(rest, {
      ...LEAF_INPUTS,
      id,
      earlyRenewalHours: 0,
      isCaCertificate: false,
      keyAlgorithm: "ECDSA",
      readyForRenewal: false,
      setAuthorityKeyId: false,
      setSubjectKeyId: false,
      validityStartTime: "2030-01-01T00:00:00.000Z",
      validityEndTime: "2030-01-01T12:00:00.000Z",
    });
  });

  it("say which kind of key signed them", async () => {
    const ca = await makeAuthority({ algorithm: "ED25519" });
    const { state, secrets } = await make(new LocallySignedCert(), await leafInputs({ ...ca }));
    assert.equal(state["caKeyAlgorithm"], "ED25519");
    assert.deepEqual(secrets, ["caPrivateKeyPem"]);
  });

  it("warn when the signer is no authority", async () => {
    const how = operation();
    const signer = await makeAuthority(P256, { isCaCertificate: false });
    await make(new LocallySignedCert(), await leafInputs({ ...signer }), how);
    assert.deepEqual(
      how.log.messages.map(([severity]) => severity),
      ["warning"],
    );
    assert.match(how.log.messages[0]?.[1] ?? "", /Potentially Invalid Certificate Authority$/);
    const silent = operation();
    await make(new LocallySignedCert(), await leafInputs(), silent);
    assert.deepEqual(silent.log.messages, []);
  });

  it("know no output in a preview, but whether they will be due", async () => {
    const privateKeyPem = new Computed();
    const inputs = { ...LEAF_INPUTS, privateKeyPem, earlyRenewalHours: 12 };
    const request = { name: "it", inputs, preview: true };
    const { outputs } = await new SelfSignedCert().create(request, operation());
    assert.deepEqual(outputs["certPem"], new Computed());
    assert.deepEqual(outputs["privateKeyPem"], new Secret(new Computed()));
    assert.equal(outputs["readyForRenewal"], true);
  });

  it("are replaced by any change but that of the early renewal", async () => {
    const resource = new LocallySignedCert();
    const inputs = await leafInputs();
    const { state } = await make(resource, inputs);
    const changed = (change: PropertyMap) => diff(resource, state, { ...inputs, ...change });
    assert.deepEqual(changed({}), NONE);
    assert.deepEqual(changed({ isCaCertificate: false, earlyRenewalHours: 0 }), NONE);
    assert.deepEqual(
      changed({ caPrivateKeyPem: new Secret(inputs["caPrivateKeyPem"] ?? "") }),
      NONE,
    );
    assert.deepEqual(changed({ earlyRenewalHours: 1 }).replaces, []);
    const unknown = new Computed();
    const replacing = [
      { allowedUses: ["digital_signature"] },
      { caCertPem: unknown },
      { caPrivateKeyPem: unknown },
      { certRequestPem: unknown },
      { isCaCertificate: true },
      { maxPathLength: 1 },
      { setSubjectKeyId: true },
      { validityPeriodHours: 13 },
    ];
    for (const change of replacing) {
      const { replaces } = changed(change);
      assert.deepEqual(
        replaces.map((path) => path.replace(/\[.*/, "")),
        Object.keys(change),
      );
    }
  });

  it("keep a path length that the program no longer names", async () => {
    const resource = new SelfSignedCert();
    const privateKeyPem = await makeKey();
    const inputs = {
      ...{ ...LEAF_INPUTS, privateKeyPem, isCaCertificate: true, subject: { commonName: "a" } },
    };
    const { state } = await make(resource, { ...inputs, maxPathLength: 1 });
    assert.deepEqual(diff(resource, state, inputs), NONE);
  });

  it("are kept by an update, which takes the early renewal over", async () => {
    const resource = new LocallySignedCert();
    const inputs = await leafInputs();
    const { state } = await make(resource, inputs);
    const now = { ...inputs, earlyRenewalHours: 3 };
    const updated = await resource.update({ state, inputs: now, preview: false });
    assert.deepEqual(updated, { ...state, earlyRenewalHours: 3 });
  });

  it("are checked for uses and numbers", () => {
    const inputs = { allowedUses: ["server_auth", "serverAuth"], validityPeriodHours: -1 };
    const more = { earlyRenewalHours: -1, maxPathLength: -2, privateKeyPem: "x" };
    const { failures } = new SelfSignedCert().check({ ...inputs, ...more }, "c");
    assert.deepEqual(
      failures.map(({ property }) => property),
      ["allowedUses[1]", "earlyRenewalHours", "maxPathLength", "validityPeriodHours"],
    );
    assert.match(
      failures[0]?.reason ?? "",
      /^Invalid Attribute Value Match. Attribute allowed_uses/,
    );
    assert.equal(
      failures[2]?.reason,
      "Invalid Attribute Value. Attribute max_path_length value must be at least -1, got: -2. " +
        "Examine values at 'c.maxPathLength'.",
    );
  });
});

describe("renewal of tls certificates", () => {
  async function issued(earlyRenewalHours: number) {
    const clock = new Clock();
    const resource = new SelfSignedCert(clock.now);
    const inputs = { ...LEAF_INPUTS, privateKeyPem: await makeKey(), earlyRenewalHours };
    const { state } = await make(resource, inputs);
    return { clock, resource, inputs, state };
  }

  it("comes at the early renewal time, not before", async () => {
    const { clock, resource, inputs, state } = await issued(4);
    clock.advance(7.99);
    assert.deepEqual(diff(resource, state, inputs), NONE);
    clock.advance(0.01);
    assert.deepEqual(diff(resource, state, inputs), DUE);
  });

  it("comes at the end without an early renewal", async () => {
    const { clock, resource, inputs, state } = await issued(0);
    clock.advance(11.99);
    assert.deepEqual(diff(resource, state, inputs), NONE);
    clock.advance(0.01);
    assert.deepEqual(diff(resource, state, inputs), DUE);
  });

  it("follows the early renewal that the program asks for now", async () => {
    const { clock, resource, inputs, state } = await issued(0);
    clock.advance(6);
    const { replaces } = diff(resource, state, { ...inputs, earlyRenewalHours: 6 });
    assert.deepEqual(replaces, ["readyForRenewal"]);
    const unknown = diff(resource, state, { ...inputs, earlyRenewalHours: new Computed() });
    assert.deepEqual(unknown, { changes: ["earlyRenewalHours"], replaces: [] });
  });

  it("is shown by a refresh", async () => {
    const { clock, resource, inputs, state } = await issued(4);
    assert.deepEqual(resource.read(state), state);
    clock.advance(8);
    const refreshed = resource.read(state);
    assert.deepEqual(refreshed, { ...state, readyForRenewal: true });
    assert.deepEqual(diff(resource, refreshed, inputs), DUE);
    const later = diff(resource, refreshed, { ...inputs, earlyRenewalHours: 1 });
    assert.deepEqual(later, { changes: ["earlyRenewalHours", "readyForRenewal"], replaces: [] });
  });

  it("comes with every update when the early renewal is as long as the validity", async () => {
    const { resource, inputs, state } = await issued(12);
    assert.equal(state["readyForRenewal"], true);
    assert.deepEqual(diff(resource, state, inputs), DUE);
  });
});
