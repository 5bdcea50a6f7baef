import assert from "node:assert/strict";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { Computed, Secret, Special } from "../../../plugins/lib/values.js";
import { decodeMap, encodeMap } from "../../../plugins/lib/wire.js";

const KEY = "4dabf18193072939515e22adb298388d";

describe("the wire form", () => {
  it("carries every kind of value there and back", () => {
    const asset = new Special("c44067f5952c0a294b673a41bacd8c17", {
      [KEY]: "c44067f5952c0a294b673a41bacd8c17",
      hash: "h",
      text: "t",
    });
    const map = {
      ...{ text: "é", number: 1.5, yes: true, list: ["a", 1, { b: new Secret("c") }], asset },
      secret: new Secret({ inner: new Secret("x"), unknown: new Computed() }),
      unknown: new Computed(),
      secretUnknown: new Secret(new Computed()),
    };
    assert.deepEqual(decodeMap(encodeMap(map)), map);
  });

  it("writes secrets and unknowns as the engine reads them", () => {
    assert.deepEqual(encodeMap({ a: new Secret("x"), b: new Computed() }).toJavaScript(), {
      a: { [KEY]: "1b47061264138c4ac30d75fd1eb44270", value: "x" },
      b: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    });
  });

  it("leaves null properties out", () => {
    assert.deepEqual(decodeMap(Struct.fromJavaScript({ a: null, b: { c: null } })), { b: {} });
    assert.deepEqual(encodeMap({ a: null }).toJavaScript(), {});
    assert.deepEqual(decodeMap(undefined), {});
  });

  it("reads output values as what they hold", () => {
    const output = (rest: object) => ({ [KEY]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...rest });
    const struct = Struct.fromJavaScript({
      known: output({ value: "x", dependencies: [] }),
      secret: output({ value: "x", secret: true }),
      unknown: output({ secret: true }),
      list: "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    });
    assert.deepEqual(decodeMap(struct), {
      known: "x",
      secret: new Secret("x"),
      unknown: new Secret(new Computed()),
      list: new Computed(),
    });
  });
});
