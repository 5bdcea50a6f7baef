/** Whether a private key, PEM or OpenSSH, is locked with a passphrase. */
export function hasPassphrase(key: string): boolean {
  if (/ENCRYPTED/.test(key)) return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(key)?.[1];
  if (body === undefined) return false;
  // Behind the magic word stands the name of the cipher: `none` without a passphrase.
  const bytes = Buffer.from(body, "base64");
  const start = "openssh-key-v1\0".length + 4;
  return bytes.subarray(start, start + 4).toString("latin1") !== "none";
}
