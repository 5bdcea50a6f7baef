import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { newSshKey } from "../../../../support/ssh-keys.js";
import { parseHostKey, parsePrivateKey } from "../../../../plugins/command/ssh/keys.js";

describe("SSH keys", () => {
  const pair = newSshKey();
  const passphrase = "pass";
  const encrypted = newSshKey(passphrase);

  function pem(type: "pkcs1" | "pkcs8", encryption: object = {}): string {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    return privateKey.export({ type, format: "pem", ...encryption }).toString();
  }

  it("reads a host key between options and comment, and takes the first line that is one", () => {
    const key = parseHostKey(
      `\n# ssh-ed25519 no\nnonsense\nno-pty,from="a b" ${pair.public} vm1\n`,
    );
    assert.equal(key.type, "ssh-ed25519");
    assert.equal(key.blob.toString("base64"), pair.public.split(" ")[1]);
  });

  it("refuses text without a host key", () => {
    for (const text of [
      "",
      "ssh-ed25519",
      "ssh-ed25519 AAAA",
      "ssh-rsa " + (pair.public.split(" ")[1] ?? ""),
    ]) {
      assert.throws(() => parseHostKey(text), {
        message: "failed to parse host key: ssh: no key found",
      });
    }
  });

  it("reads private keys in OpenSSH's, PKCS#1 and PKCS#8 form", () => {
    assert.equal(parsePrivateKey(pair.private, undefined).type, "ssh-ed25519");
    assert.equal(parsePrivateKey(pem("pkcs1"), undefined).type, "ssh-rsa");
    assert.equal(parsePrivateKey(pem("pkcs8"), undefined).type, "ssh-rsa");
    assert.equal(parsePrivateKey(encrypted.private, passphrase).type, "ssh-ed25519");
  });

  it("tells apart the reasons why a private key cannot be read", () => {
    const reason = (text: string, password?: string) => {
      try {
        parsePrivateKey(text, password);
      } catch (error) {
        return error instanceof Error ? error.message : "";
      }
      return "";
    };
    assert.equal(reason("nonsense"), "ssh: no key found");
    assert.equal(reason("nonsense", passphrase), "ssh: no key found");
    assert.equal(reason(encrypted.private), "ssh: this private key is passphrase protected");
    assert.equal(reason(encrypted.private, "wrong"), "x509: decryption password incorrect");
    assert.equal(reason(pair.private, passphrase), "ssh: key is not password protected");
    assert.equal(reason(pem("pkcs1"), passphrase), "ssh: not an encrypted key");
    const { privateKey } = generateKeyPairSync("ed25519");
    const pkcs8 = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    assert.match(reason(pkcs8), /^the stand-in for command does not serve ed25519 keys in PKCS#8/);
  });
});
