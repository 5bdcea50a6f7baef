import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { scriptOf, StandIns } from "../support/stand-ins";

/** Prints its arguments, the secrets' files and the environment; fails when told so. */
const DOCKER = `
printf '<%s>\\n' "$@"
for ((i = 1; i <= $#; i++)); do
  if [ "\${!i}" = --volume ]; then next=$((i + 1)); folder=\${!next%%:*}; fi
done
for file in "$folder"/*; do [ ! -f "$file" ] || printf 'file %s=%s.\\n' "\${file##*/}" "$(/usr/bin/base64 -w0 "$file")"; done
/usr/bin/stat -c 'modes %a' "\${folder%/*}" "$folder" "$folder"/* 2> /dev/null
printf 'KEY=%s.\\nimage=%s.\\n' "$(printf %s "\${KEY-unset}" | /usr/bin/base64 -w0)" "\${image-unset}"
[ "\${*: -1}" != fail ] || exit 3
`;
const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");

describe("migrate.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({ docker: DOCKER });
  });
  afterEach(() => {
    machine.remove();
  });
  // Memory-backed folders belong to root; a test writes into its own.
  const script = () =>
    scriptOf("web", "container.sh", "migrate.sh").replace(
      "/run/trivet-container-",
      machine.at("secrets-"),
    );

  function run(
    secrets: Readonly<Record<string, string>>,
    inEnvironment: boolean,
    ...rest: string[]
  ) {
    const lines = Object.entries(secrets).map(([name, value]) => `${name} ${base64(value)}\n`);
    const args = ["sha256:app", "10.212.0.1", "10.0.0.1", "net", String(inEnvironment), ...rest];
    const { status, stdout, stderr } = machine.run(script(), args, lines.join(""));
    assert.deepEqual(readdirSync(machine.folder), ["bin"]);
    return { status, lines: stdout.trimEnd().split("\n"), stderr };
  }

  it("gives variables, and secrets as files alone", () => {
    const value = "line 1\nline 2\n";
    const { status, lines, stderr } = run({ KEY: value }, false, "1", "DEMO=a b", "npm", "run it");
    assert.deepEqual([status, stderr], [0, ""]);
    assert.deepEqual(lines.slice(0, 13), [
      "<run>",
      "<--rm>",
      "<--label>",
      "<trivet.task=migrate>",
      "<--network>",
      "<net>",
      "<--add-host>",
      "<database:10.212.0.1>",
      "<--add-host>",
      "<cache:10.0.0.1>",
      "<--volume>",
      lines[11],
      "<--env>",
    ]);
    assert.deepEqual(lines.slice(13), [
      "<DEMO=a b>",
      "<--env>",
      "<KEY_FILE=/run/secrets/KEY>",
      "<sha256:app>",
      "<npm>",
      "<run it>",
      `file KEY=${base64(value)}.`,
      // The machine's other users stop at the first folder; the container's user begins at the second.
      "modes 700",
      "modes 755",
      "modes 444",
      `KEY=${base64("unset")}.`,
      "image=unset.",
    ]);
  });

  it("puts secrets into the environment too when told so, never into an argument", () => {
    const value = "hunter2 $(x)\n\n";
    const { lines } = run({ KEY: value, image: "odd" }, true, "0", "true");
    assert.ok(lines.includes(`KEY=${base64(value)}.`));
    assert.ok(lines.includes("image=odd."));
    assert.ok(lines.includes("<sha256:app>"));
    assert.ok(lines.includes("<KEY>") && lines.includes("<KEY_FILE=/run/secrets/KEY>"));
    assert.ok(!lines.some((line) => line.startsWith("<") && line.includes("hunter2")));
  });

  it("fails with the command, and leaves no secret behind", () => {
    const { status } = run({ KEY: "x" }, true, "0", "fail");
    assert.equal(status, 3);
    assert.equal(run({}, true, "0", "true").status, 0);
  });
});
