import assert from "node:assert/strict";
import { hasPassphrase } from "../../../components/hosts/private-key";

/** An OpenSSH key as ssh-keygen writes it, up to the name of its cipher. */
function opensshKey(cipher: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(cipher.length);
  const bytes = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    length,
    Buffer.from(`${cipher}rest`),
  ]);
  const body = bytes.toString("base64").replaceAll(/.{20}/g, "$&\n");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

describe("hasPassphrase", () => {
  const legacy = (head: string) =>
    `-----BEGIN RSA PRIVATE KEY-----\n${head}MIIEow\n-----END RSA PRIVATE KEY-----\n`;
  const table: [string, string, boolean][] = [
    ["OpenSSH, open", opensshKey("none"), false],
    ["OpenSSH, locked", opensshKey("aes256-ctr"), true],
    ["PKCS #8, open", "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n", false],
    ["PKCS #8, locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMII\n", true],
    ["PEM of old, open", legacy(""), false],
    ["PEM of old, locked", legacy("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"), true],
  ];
  for (const [title, key, locked] of table) {
    it(title, () => {
      assert.equal(hasPassphrase(key), locked);
    });
  }
});
