/** One line of RFC 4180 CSV, ended by CRLF. */
export const csvLine = (fields: readonly string[]): string =>
  `${fields.map(csvField).join(",")}\r\n`;

function csvField(text: string): string {
  // Spreadsheets run a cell that begins like this as a formula; the apostrophe makes it text.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
