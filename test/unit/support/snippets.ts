import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const ROOT = join(__dirname, "..", "..", "..");

/** One fenced block of a page. */
export interface Snippet {
  /** Such as `ts`; empty for a block without one. */
  language: string;
  /** Line of the page that the text starts on, from 1. */
  line: number;
  /** Without the indentation that the block has inside a list. */
  text: string;
}

/** Every fenced block of one of the project's pages. */
export function snippetsOf(page: string): Snippet[] {
  const path = join(ROOT, page);
  if (!existsSync(path)) throw new Error(`there is no ${basename(page)}: it is to be written`);
  const source = readFileSync(path, "utf8");
  return Array.from(source.matchAll(/^([ \t]*)```(\w*).*\n([^]*?)^\1```[ \t]*$/gm), (match) => {
    const [, indent = "", language = "", body = ""] = match;
    const line = source.slice(0, match.index).split("\n").length + 1;
    const text = body
      .split("\n")
      .map((part) => (part.startsWith(indent) ? part.slice(indent.length) : part))
      .join("\n");
    return { language, line, text };
  });
}
