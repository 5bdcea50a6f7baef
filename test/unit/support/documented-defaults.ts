import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const ROOT = join(__dirname, "..", "..", "..");

/** The `@default` tags of an interface: JSON as a value, everything else as text. */
export function documentedDefaults(file: string, ...interfaces: string[]): Record<string, unknown> {
  const text = readFileSync(join(ROOT, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found = source.statements.filter(ts.isInterfaceDeclaration);
  return Object.fromEntries(
    interfaces.flatMap((name) => {
      const declaration = found.find((each) => each.name.text === name);
      if (declaration === undefined) throw new Error(`${file} has no interface ${name}`);
      return declaration.members.flatMap(defaultOf);
    }),
  );
}

function defaultOf(member: ts.TypeElement): [string, unknown][] {
  const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === "default");
  if (tag === undefined) return [];
  const text = (ts.getTextOfJSDocComment(tag.comment) ?? "").trim();
  return [[member.name?.getText() ?? "", parsed(text)]];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
