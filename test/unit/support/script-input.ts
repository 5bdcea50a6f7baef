/** What a script of a machine reads on standard input, taken apart. */
export interface ScriptInput {
  /** Its arguments as bash reads them. */
  readonly words: readonly string[];
  /** The same as they are written. */
  readonly args: string;
  readonly script: string;
  /** What the script itself reads. */
  readonly data: string;
}

/** Options of the shell, a trap, a lock; the arguments come after them. */
const HEAD = /^{\nset -euo pipefail\n(?:(?:trap|exec) .*\n)*set -- /;
const END = "\nexit 0\n}\n";

export function parseInput(input: string): ScriptInput {
  const head = HEAD.exec(input)?.[0];
  if (head === undefined) throw new Error(`is no script: ${input.slice(0, 80)}`);
  const rest = input.slice(head.length);
  const args = /^(?:[^'\n\\]|\\.|'[^']*')*/.exec(rest)?.[0] ?? "";
  const end = rest.indexOf(END, args.length);
  if (end < 0) throw new Error("the script has no end");
  return {
    words: args === "" ? [] : wordsOf(args),
    args,
    script: rest.slice(args.length + 1, end),
    data: rest.slice(end + END.length),
  };
}

function wordsOf(args: string): string[] {
  return (args.match(/(?:[^'\s\\]|\\.|'[^']*')+/g) ?? []).map((word) =>
    word.replaceAll(
      /'([^']*)'|\\(.)/g,
      (_, quoted?: string, escaped?: string) => quoted ?? escaped ?? "",
    ),
  );
}

/** A file as write-files.sh gets it. */
export interface WrittenFile {
  readonly mode: string;
  readonly owner: string;
  readonly content: string;
}

/** Files by path. */
export function filesIn(data: string): Record<string, WrittenFile> {
  const lines = data.split("\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => {
      const [path = "", mode = "", owner = "", encoded = ""] = line.split(" ");
      return [path, { mode, owner, content: Buffer.from(encoded, "base64").toString("utf8") }];
    }),
  );
}
