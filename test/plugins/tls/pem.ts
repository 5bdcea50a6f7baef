/** PEM, as Go's encoding/pem writes it: lines of 64 characters and a line end after the last. */

export interface PemBlock {
  readonly label: string;
  readonly bytes: Buffer;
}

export function encodePem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The first block of a text that may hold several; undefined if there is none. */
export function decodePem(text: string): PemBlock | undefined {
  const match = /^-----BEGIN ([^\n]+?)-----\s*\n([\s\S]*?)\n?-----END \1-----/m.exec(text);
  const [, label, body] = match ?? [];
  if (label === undefined || body === undefined) return undefined;
  if (!/^[A-Za-z0-9+/=\s]*$/.test(body)) return undefined;
  return { label, bytes: Buffer.from(body, "base64") };
}

/** Whether a whole text is PEM: one block, or a chain of them. */
export function isPem(text: string): boolean {
  return /^-----BEGIN [A-Za-z ]+-----\n[\s\S]+\n-----END [A-Za-z ]+-----\n?$/.test(text);
}
