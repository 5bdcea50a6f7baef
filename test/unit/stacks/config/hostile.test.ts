import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { configSchema, parseConfig } from "../../../../stacks/config";
import { pathText, valueAt } from "../../../../stacks/config/problems";
import type { Recorder } from "../../support/recorder";
import { filesIn } from "../../support/script-input";
import { ONE, Program } from "../program";
import { AT, changed, machine, problemsOf, type Changes } from "./fixture";
import { CERTIFICATE, KEY } from "./pem";

/** What breaks a line, a quotation, a shell, a template or a length; by what it is. */
const HOSTILE: Readonly<Record<string, string>> = {
  "single quotes": "it's 'quoted'",
  "double quotes": 'say "hi" \\"',
  dollar: "a$HOME ${x} $(id) $",
  backticks: "`id`",
  "a line break": "one\ntwo",
  "a Windows line break": "one\r\ntwo",
  "a Windows line end": "one\r\n",
  "letters beyond ASCII": "größe 日本 🙂",
  "63 letters": "x".repeat(63),
  templates: "{{.Node.Hostname}} {{ {{{ }} %s %{x}",
  separators: "a;b|c&d #e, =f: [g] {h} <i> *?~!",
  "an option": "--privileged",
  "a backslash at the end": "end\\",
};

/** Text that means itself in every file and shell. */
const HARMLESS = /^[A-Za-z0-9._~:/@=+-]*$/;

/** The key that stands for all keys of a mapping from names. */
const KEYS: Readonly<Record<string, string>> = {
  machines: "vm1",
  services: "web",
  "services.web.env": "KEY",
  "services.web.secrets": "TOKEN",
  "kernel.sysctls": "net.core.somaxconn",
  "database.parameters": "work_mem",
};

type Place = readonly (string | number)[];

interface JsonSchema {
  type?: string | string[];
  enum?: unknown[];
  anyOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  items?: JsonSchema;
}

/** Every place that takes text; of a list its first entry. */
function textPlaces(schema: JsonSchema, place: Place = []): Place[] {
  const { additionalProperties: entry, items, properties = {} } = schema;
  const key = KEYS[place.join(".")];
  if (typeof entry === "object" && key === undefined) throw new Error(`no key: ${place.join(".")}`);
  return [
    ...([schema.type].flat().includes("string") || schema.enum !== undefined ? [place] : []),
    ...(schema.anyOf ?? []).flatMap((one) => textPlaces(one, place)),
    ...Object.entries(properties).flatMap(([name, one]) => textPlaces(one, [...place, name])),
    ...(typeof entry === "object" ? textPlaces(entry, [...place, key ?? ""]) : []),
    ...(items === undefined ? [] : textPlaces(items, [...place, 0])),
  ];
}

const SCHEMA = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" });
const PLACES = new Map(
  textPlaces(SCHEMA as JsonSchema).map((place) => [place.join("."), place] as const),
);

/** Every section is there and right, so that what is wrong is the one value. */
function whole(): Record<string, unknown> {
  const registry = { address: "registry.lan/shop", username: "ci", password: "x" };
  const copyTo = { ...machine(9), user: "keeper", path: "/srv/dumps", privateKey: KEY };
  Reflect.deleteProperty(copyTo, "privateAddress");
  return changed({
    ...{
      ssh: { privateKey: KEY },
      tls: { mode: "certificate", certificate: CERTIFICATE, key: KEY },
    },
    ...{ "images.registry": registry, "dump.copyTo": copyTo },
    // A floating address is for three.
    ...{ entry: { address: "10.0.0.100" }, "machines.vm2": machine(2), "machines.vm3": machine(3) },
    ...{ "services.web.migrate": ["x"], "services.web.command": ["x"] },
    "services.web.routes": [{ host: "example.org", path: "/" }],
  });
}

/** Where only one of two may be given: the other makes room. */
const INSTEAD_OF: Readonly<Record<string, Place>> = {
  "ssh.privateKeyPath": ["ssh", "privateKey"],
  "ssh.agent": ["ssh", "privateKey"],
  "dump.copyTo.privateKeyPath": ["dump", "copyTo", "privateKey"],
  "services.web.build": ["services", "web", "image"],
};

/** The whole configuration with one value, or one name of a mapping, replaced. */
function withValue(place: Place, value: unknown): Record<string, unknown> {
  const root = whole();
  let at: Record<string | number, unknown> = root;
  for (const [i, step] of place.slice(0, -1).entries()) {
    at[step] ??= typeof place[i + 1] === "number" ? [] : {};
    at = at[step] as Record<string | number, unknown>;
  }
  at[place.at(-1) ?? ""] = value;
  const other = INSTEAD_OF[place.join(".")]?.at(-1);
  if (other !== undefined) Reflect.deleteProperty(at, other);
  return root;
}

/** Problems that are told of this very place. */
function refusals(place: Place, problems: readonly string[]): string[] {
  const path = pathText(place.at(-1) === 0 ? place.slice(0, -1) : place);
  return problems.filter((problem) => problem.startsWith(path));
}

/** Places that take any text on one line, and how to find it again in what the program makes. */
const FREE: Readonly<Record<string, (engine: Recorder) => unknown>> = {
  "services.web.env.KEY": (engine) => [
    // As Swarm reads its templates.
    String(containerOf(engine).env?.KEY).replaceAll('{{"{{"}}', "{{"),
    wordAfter(engine, "web-try", "KEY="),
    wordAfter(engine, "web-migrate", "KEY="),
  ],
  "services.web.secrets.TOKEN": (engine) => [
    decoded(engine.get("web-TOKEN").inputs.data),
    decoded(/^TOKEN (.*)$/m.exec(engine.script("web-try").data)?.[1]),
  ],
  "services.web.command.0": (engine) => containerOf(engine).commands?.[0],
  "services.web.migrate.0": (engine) => engine.script("web-migrate").words.at(-1),
  "images.registry.username": (engine) => signIn(engine)[0],
  "images.registry.password": (engine) => signIn(engine)[1],
  "kernel.sysctls.net.core.somaxconn": (engine) =>
    engine
      .script("kernel-vm1-sysctl")
      .words.flatMap((word) => /^net\.core\.somaxconn = (.*)$/m.exec(word)?.[1] ?? []),
  "database.parameters.work_mem": (engine) => {
    const files = Object.values(filesIn(engine.script("postgres-vm1-files").data));
    const patroni = files.find(({ content }) => content.includes("bootstrap:"))?.content ?? "";
    return (parse(patroni) as Patroni).bootstrap.dcs.postgresql.parameters.work_mem;
  },
};

interface Patroni {
  bootstrap: { dcs: { postgresql: { parameters: Record<string, unknown> } } };
}
interface Container {
  env?: Record<string, string>;
  commands?: string[];
}

const decoded = (data: unknown) => Buffer.from(String(data), "base64").toString("utf8");
const signIn = (engine: Recorder) => engine.script("app-image-api-vm1").data.split("\n");
function containerOf(engine: Recorder): Container {
  const { containerSpec } = engine.get("web").inputs.taskSpec as { containerSpec: Container };
  return containerSpec;
}
function wordAfter(engine: Recorder, script: string, start: string): string | undefined {
  const { words } = engine.script(script);
  return words.find((word) => word.startsWith(start))?.slice(start.length);
}

describe("hostile values", () => {
  for (const [name, place] of PLACES) {
    it(`of ${name} are refused there, or have a proof of arrival below`, () => {
      for (const [title, value] of Object.entries(HOSTILE)) {
        const raw = withValue(place, value);
        const problems = problemsOf(raw);
        for (const problem of problems) assert.doesNotMatch(problem, /[\p{Cc}]/u, title);
        if (refusals(place, problems).length > 0) continue;
        assert.deepEqual(problems, [], `${title} is not judged by itself`);
        const taken = valueAt(parseConfig(raw, "prod", AT), place);
        const known = HARMLESS.test(String(taken)) || FREE[name] !== undefined;
        assert.ok(known, `takes ${title}, and nobody looks where it arrives: ${String(taken)}`);
      }
    });
  }

  for (const path of Object.keys(KEYS)) {
    it(`are no names in ${path}`, () => {
      const hostile = Object.entries(HOSTILE).filter(([, value]) => !HARMLESS.test(value));
      for (const [title, value] of hostile) {
        const mapping = path.split(".");
        const entry = valueAt(whole(), [...mapping, KEYS[path] ?? ""]) ?? "1";
        const problems = problemsOf(withValue([...mapping, value], entry));
        assert.ok(refusals(mapping, problems).length > 0, `takes ${title}: ${problems.join()}`);
      }
    });
  }
});

const ONE_LINE = Object.values(HOSTILE).filter((value) => !/[\r\n]/.test(value));

describe("hostile values that are taken", () => {
  const arrive = async (value: string, places: readonly string[]) => {
    const program = new Program();
    try {
      await program.run(changesOf(places, value));
      for (const name of places) {
        const found = [FREE[name]?.(program.engine)].flat();
        assert.ok(found.length > 0, name);
        for (const text of found) assert.equal(text, value, name);
      }
    } finally {
      program.remove();
    }
  };

  it("arrive as they are", async () => {
    await arrive(ONE_LINE.join(" "), Object.keys(FREE));
    await arrive(ONE_LINE.toReversed().join(" "), Object.keys(FREE));
  });

  it("arrive with their line breaks, where those are allowed", async () => {
    await arrive(`${ONE_LINE.join("\n")}\n`, ["services.web.secrets.TOKEN"]);
  });
});

/** The same value at each of these places. */
function changesOf(places: readonly string[], value: string): Changes {
  const at = (name: string) => (places.includes(name) ? value : "plain");
  const registry = {
    username: at("images.registry.username"),
    password: at("images.registry.password"),
  };
  return {
    machines: ONE,
    "images.registry": { address: "registry.lan/shop", ...registry },
    "kernel.sysctls": { "net.core.somaxconn": at("kernel.sysctls.net.core.somaxconn") },
    "database.parameters": { work_mem: at("database.parameters.work_mem") },
    "services.web": {
      image: "shop:1.4",
      env: { KEY: at("services.web.env.KEY") },
      secrets: { TOKEN: value },
      command: [at("services.web.command.0")],
      migrate: [at("services.web.migrate.0")],
    },
  };
}
