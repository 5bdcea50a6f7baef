import assert from "node:assert/strict";
import { byFamily, isAddressOrCidr, isCidr4 } from "../../../components/machine/cidr";

describe("addresses and networks", () => {
  for (const good of ["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::/0", "2001:db8::1", "fd00::/128"]) {
    it(`takes ${good}`, () => {
      assert.equal(isAddressOrCidr(good), true);
    });
  }
  const bad = ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/8/8", "::/129"];
  for (const text of [
    ...bad,
    "fe80::1%eth0",
    "example.org",
    "10.0.0.1 }",
    "1.2.3.4\n",
    " 1.2.3.4",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(isAddressOrCidr(text), false);
    });
  }
  it("an IPv4 network needs its prefix", () => {
    const texts = ["10.0.0.0/8", "10.0.0.0", "fd00::/8"];
    assert.deepEqual(texts.map(isCidr4), [true, false, false]);
  });
  it("sorts by family", () => {
    const entries = ["10.0.0.1", "::/0", "fd00::1", "10.0.0.0/8"];
    assert.deepEqual(byFamily(entries), {
      v4: ["10.0.0.1", "10.0.0.0/8"],
      v6: ["::/0", "fd00::1"],
    });
  });
});
