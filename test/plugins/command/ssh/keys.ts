/** Host keys and private keys, with the official plugin's error texts. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { type ParsedKey, utils } from "ssh2";

const HOST_KEY_TYPES = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
] as const;

export interface HostKey {
  /** The key's algorithm, and the only one to be negotiated. */
  readonly type: (typeof HOST_KEY_TYPES)[number];
  /** The key in its wire form. */
  readonly blob: Buffer;
}

/** Finds the first key in text of the authorized_keys format; options and comments are allowed. */
export function parseHostKey(text: string): HostKey {
  for (const line of text.split(/\r?\n/)) {
    if (line.trimStart().startsWith("#")) continue;
    const words = line.trim().split(/\s+/);
    for (const [index, word] of words.entries()) {
      const type = HOST_KEY_TYPES.find((name) => name === word);
      const blob = Buffer.from(words[index + 1] ?? "", "base64");
      if (type !== undefined && blobType(blob) === type) return { type, blob };
    }
  }
  throw new Error("failed to parse host key: ssh: no key found");
}

function blobType(blob: Buffer): string | undefined {
  if (blob.length < 4) return undefined;
  const length = blob.readUInt32BE(0);
  return length > 0 && blob.length > 4 + length
    ? blob.subarray(4, 4 + length).toString("latin1")
    : undefined;
}

/** @param passphrase refused, as in the official plugin, for a key that is not encrypted. */
export function parsePrivateKey(text: string, passphrase: string | undefined): ParsedKey {
  const pem = fromPkcs8(text);
  const plain = utils.parseKey(pem);
  if (passphrase === undefined) {
    if (!(plain instanceof Error)) return plain;
    throw new Error(
      isEncrypted(plain) ? "ssh: this private key is passphrase protected" : "ssh: no key found",
    );
  }
  if (!(plain instanceof Error)) throw new Error(notEncryptedText(text));
  if (!isEncrypted(plain)) throw new Error("ssh: no key found");
  const opened = utils.parseKey(pem, passphrase);
  if (opened instanceof Error) throw new Error("x509: decryption password incorrect");
  return opened;
}

function isEncrypted(error: Error): boolean {
  return /passphrase/.test(error.message);
}

function notEncryptedText(pem: string): string {
  return pem.includes("BEGIN OPENSSH PRIVATE KEY")
    ? "ssh: key is not password protected"
    : "ssh: not an encrypted key";
}

/** ssh2 reads no PKCS#8; RSA and EC keys in it have an older form that it does read. */
function fromPkcs8(text: string): string {
  if (!text.includes("BEGIN PRIVATE KEY")) return text;
  let key: KeyObject;
  try {
    key = createPrivateKey(text);
  } catch {
    return text;
  }
  if (key.asymmetricKeyType === "rsa")
    return key.export({ type: "pkcs1", format: "pem" }).toString();
  if (key.asymmetricKeyType === "ec") return key.export({ type: "sec1", format: "pem" }).toString();
  throw new Error(
    `the stand-in for command does not serve ${key.asymmetricKeyType ?? "such"} keys in PKCS#8 ` +
      "form; with the official plugin they are; OpenSSH's own form works in both",
  );
}
