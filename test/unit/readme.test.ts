import assert from "node:assert/strict";
import { join } from "node:path";
import ts from "typescript";
import { parse } from "yaml";
import { parseConfig, type Surroundings } from "../../stacks/config";
import { isMapping } from "../../stacks/config/problems";
import { snippetsOf, type Snippet } from "./support/snippets";

const ROOT = join(__dirname, "..", "..");
/** Somebody's machine, with an agent and every file that a snippet may name. */
const AT: Surroundings = {
  home: "/home/ops",
  projectFolder: "/project",
  sshAuthSock: "/run/agent",
  now: new Date("2030-01-01T00:00:00Z"),
  exists: () => true,
};

/** Compiles a snippet as a program of its own beside the sources; returns what the compiler says. */
function compile({ text, line }: Snippet): string[] {
  const file = join(ROOT, `README-${line}.ts`);
  const json = ts.readJsonConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonSourceFileConfigFileContent(json, ts.sys, ROOT, {
    noEmit: true,
    baseUrl: ROOT,
    paths: { trivet: ["components/index.ts"], "trivet/*": ["components/*"] },
  });
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram([file], options, {
    ...host,
    fileExists: (path) => path === file || host.fileExists(path),
    readFile: (path) => (path === file ? text : host.readFile(path)),
    getSourceFile: (path, version, ...rest) =>
      path === file
        ? ts.createSourceFile(path, text, version, true)
        : host.getSourceFile(path, version, ...rest),
  });
  const own = program.getSourceFile(file);
  return [...program.getOptionsDiagnostics(), ...ts.getPreEmitDiagnostics(program, own)].map(
    (found) => {
      const at = own?.getLineAndCharacterOfPosition(found.start ?? 0).line ?? 0;
      return `line ${line + at}: ${ts.flattenDiagnosticMessageText(found.messageText, " ")}`;
    },
  );
}

describe("README.md", () => {
  it("has snippets of a program and of a configuration", () => {
    const languages = snippetsOf("README.md").map(({ language }) => language);
    assert.ok(languages.includes("ts"), "no block is marked as ts");
    assert.ok(languages.includes("yaml"), "no block is marked as yaml");
  });

  it("has TypeScript that compiles against the components", function () {
    this.timeout(120_000);
    for (const snippet of snippetsOf("README.md").filter(({ language }) => language === "ts")) {
      assert.deepEqual(compile(snippet), []);
    }
  });

  it("has configurations that are right", () => {
    for (const { language, line, text } of snippetsOf("README.md")) {
      if (language !== "yaml") continue;
      const document: unknown = parse(text);
      if (!isMapping(document) || !isMapping(document.config)) continue;
      const settings = Object.entries(document.config).map(([key, value]) => {
        assert.match(key, /^trivet:/, `line ${line}: ${key} is no setting of the project`);
        return [key.replace(/^trivet:/, ""), value];
      });
      parseConfig(Object.fromEntries(settings) as Record<string, unknown>, `line ${line}`, AT);
    }
  });
});
