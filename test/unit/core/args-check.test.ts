import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck, InvalidArgsError } from "../../../components/core/args-check";
import { problemsOf } from "../support/outputs";

const problems = (build: (check: ArgsCheck) => ArgsCheck) =>
  problemsOf(() => {
    build(new ArgsCheck("It")).done();
  });

describe("ArgsCheck", () => {
  const good: Record<string, (check: ArgsCheck) => ArgsCheck> = {
    "the ends of a range": (c) => c.integer(1, "n", 1, 3).integer(3, "n", 1, 3),
    "a fraction": (c) => c.number(0.05, "n", 0.05, 1),
    ports: (c) => c.port(1, "p").port(65_535, "p"),
    names: (c) =>
      c
        .name("a", "n")
        .name("vm-1", "n")
        .name(`a${"b".repeat(62)}`, "n"),
    "a line with all that is printable": (c) => c.line(" ~é\"'\\", "l"),
    "distinct values": (c) => c.unique(["a", "b"], "u").unique([], "u"),
    quorums: (c) => c.quorum([1], "q").quorum([1, 2, 3], "q").quorum([1, 2, 3, 4, 5], "q"),
  };
  for (const [title, build] of Object.entries(good)) {
    it(`takes ${title}`, () => {
      assert.deepEqual(problems(build), []);
    });
  }

  const name = "must be 1 to 63 lower-case letters, digits or hyphens, starting with a letter";
  const quorum =
    "entries, must have 1, 3 or 5: an even number survives no more failures than one fewer";
  const bad: [string, (check: ArgsCheck) => ArgsCheck, ...string[]][] = [
    [
      "a value below",
      (c) => c.integer(0, "n", 1, 3),
      "n: is 0, must be a whole number from 1 to 3",
    ],
    [
      "a value above",
      (c) => c.integer(4, "n", 1, 3),
      "n: is 4, must be a whole number from 1 to 3",
    ],
    [
      "a fraction",
      (c) => c.integer(1.5, "n", 1, 3),
      "n: is 1.5, must be a whole number from 1 to 3",
    ],
    ["no number", (c) => c.number(NaN, "n", 1, 3), "n: is NaN, must be a number from 1 to 3"],
    ["infinity", (c) => c.number(1 / 0, "n", 1, 3), "n: is Infinity, must be a number from 1 to 3"],
    ["port 0", (c) => c.port(0, "p"), "p: is 0, must be a whole number from 1 to 65535"],
    [
      "port 65536",
      (c) => c.port(65_536, "p"),
      "p: is 65536, must be a whole number from 1 to 65535",
    ],
    ["an empty name", (c) => c.name("", "n"), `n: is "", ${name}`],
    ["a name of 64", (c) => c.name("a".repeat(64), "n"), `n: is "${"a".repeat(64)}", ${name}`],
    ["an odd name", (c) => c.name('V"m\n', "n"), `n: is "V\\"m\\n", ${name}`],
    ["a digit first", (c) => c.name("1a", "n"), `n: is "1a", ${name}`],
    ["a hyphen last", (c) => c.name("a-", "n"), `n: is "a-", ${name}`],
    ["a name with a break", (c) => c.name("a\n", "n"), `n: is "a\\n", ${name}`],
    ["a break", (c) => c.line("a\nb", "l"), "l: has a line break or another control character"],
    ["a delete", (c) => c.line("\u007f", "l"), "l: has a line break or another control character"],
    ["nothing", (c) => c.nonEmpty([], "e"), "e: is empty, needs at least one entry"],
    ["repeats", (c) => c.unique(["a", "b", "a", "b", "a"], "u"), "u: repeats a, b"],
    ["two members", (c) => c.quorum([1, 2], "q"), `q: has 2 ${quorum}`],
    ["no member", (c) => c.quorum([], "q"), `q: has 0 ${quorum}`],
    [
      "seven",
      (c) => c.quorum([1, 2, 3, 4, 5, 6, 7], "q"),
      "q: has 7 entries, must have 1, 3 or 5: each further one makes every decision wait for more machines",
    ],
    ["what is not so", (c) => c.that(false, "x.y", "is wrong"), "x.y: is wrong"],
  ];
  for (const [title, build, problem] of bad) {
    it(`refuses ${title}`, () => {
      assert.deepEqual(problems(build), [`  - ${problem}`]);
    });
  }

  it("tells every problem at once, in an error that shows no stack", () => {
    const check = new ArgsCheck('Swarm "s"').port(0, "a").that(true, "b", "never").port(-1, "c");
    assert.throws(
      () => {
        check.done();
      },
      (error) => {
        assert.ok(error instanceof InvalidArgsError && pulumi.RunError.isInstance(error));
        assert.equal(error.name, "InvalidArgsError");
        assert.equal(error.subject, 'Swarm "s"');
        assert.equal(error.problems.length, 2);
        assert.equal(
          error.message,
          [
            'Swarm "s" has invalid arguments:',
            "  - a: is 0, must be a whole number from 1 to 65535",
            "  - c: is -1, must be a whole number from 1 to 65535",
          ].join("\n"),
        );
        return true;
      },
    );
  });
});
