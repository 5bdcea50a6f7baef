/** OpenSSH's forms of a key (PROTOCOL.key in its sources): node:crypto does not write them. */
import { createHash, type JsonWebKey, type KeyObject, randomBytes } from "node:crypto";
import { encodePem } from "./pem.js";

const CURVES: Readonly<Record<string, string>> = {
  "P-256": "nistp256",
  "P-384": "nistp384",
  "P-521": "nistp521",
};

/** Cipher `none` still pads to this many bytes. */
const BLOCK_BYTES = 8;

export interface OpensshForms {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly fingerprintMd5: string;
  readonly fingerprintSha256: string;
}

/** OpenSSH knows no P-224: its forms of such a key are empty. */
export function opensshForms(key: KeyObject): OpensshForms {
  if (key.asymmetricKeyDetails?.namedCurve === "secp224r1") {
    return { privateKey: "", publicKey: "", fingerprintMd5: "", fingerprintSha256: "" };
  }
  const { type, publicFields, privateFields } = fieldsOf(key.export({ format: "jwk" }));
  const blob = Buffer.concat([text(type), ...publicFields]);
  const md5 = createHash("md5").update(blob).digest("hex");
  const sha256 = createHash("sha256").update(blob).digest("base64");
  return {
    privateKey: encodePem("OPENSSH PRIVATE KEY", container(blob, [text(type), ...privateFields])),
    publicKey: `${type} ${blob.toString("base64")}\n`,
    fingerprintMd5: (md5.match(/../g) ?? []).join(":"),
    fingerprintSha256: `SHA256:${sha256.replace(/=+$/, "")}`,
  };
}

interface Fields {
  readonly type: string;
  readonly publicFields: readonly Buffer[];
  readonly privateFields: readonly Buffer[];
}

function fieldsOf(jwk: JsonWebKey): Fields {
  switch (jwk.kty) {
    case "RSA": {
      const [n, e] = [integer(bytes(jwk.n)), integer(bytes(jwk.e))];
      const secrets = [jwk.d, jwk.qi, jwk.p, jwk.q].map((part) => integer(bytes(part)));
      return { type: "ssh-rsa", publicFields: [e, n], privateFields: [n, e, ...secrets] };
    }
    case "EC": {
      const curve = CURVES[jwk.crv ?? ""];
      if (curve === undefined) throw new Error(`unsupported curve ${jwk.crv ?? ""}`);
      const point = Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]);
      const publicFields = [text(curve), string(point)];
      return {
        type: `ecdsa-sha2-${curve}`,
        publicFields,
        privateFields: [...publicFields, integer(bytes(jwk.d))],
      };
    }
    default: {
      const [seed, point] = [bytes(jwk.d), bytes(jwk.x)];
      const publicFields = [string(point)];
      const both = string(Buffer.concat([seed, point]));
      return { type: "ssh-ed25519", publicFields, privateFields: [...publicFields, both] };
    }
  }
}

/** The unencrypted file format, with an empty comment. */
function container(publicBlob: Buffer, privateFields: readonly Buffer[]): Buffer {
  // Two equal numbers tell a reader that it has decrypted the rest rightly.
  const check = randomBytes(4);
  const body = Buffer.concat([check, check, ...privateFields, text("")]);
  const padding = (BLOCK_BYTES - (body.length % BLOCK_BYTES)) % BLOCK_BYTES;
  const padded = Buffer.concat([
    body,
    Buffer.from(Array.from({ length: padding }, (_, i) => i + 1)),
  ]);
  return Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    text("none"),
    text("none"),
    text(""),
    Buffer.of(0, 0, 0, 1),
    string(publicBlob),
    string(padded),
  ]);
}

function string(content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

function text(content: string): Buffer {
  return string(Buffer.from(content));
}

/** A positive integer: no needless zeros in front, and never a set top bit. */
function integer(content: Buffer): Buffer {
  let start = 0;
  while (content[start] === 0) start++;
  const digits = content.subarray(start);
  return string((digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

function bytes(part: string | undefined): Buffer {
  if (part === undefined) throw new Error("the private key is incomplete");
  return Buffer.from(part, "base64url");
}
