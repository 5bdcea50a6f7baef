import assert from "node:assert/strict";
import { scriptOf, StandIns } from "../support/stand-ins";

/** Notes what it is asked; answers from the test's variables. Its nth look at the container reads the nth line. */
const DOCKER = `
printf '%s\\n' "$*" >> "$FOLDER/asked"
case "$1 $*" in
  create*) echo container-1; [ "$CREATE" = ok ] ;;
  start*) [ "$START" = ok ] || { echo "no such program" >&2; exit 1; } ;;
  logs*) printf 'line 1\\nline 2\\n' ;;
  *State.Health}}*) printf '"old"\\n"refused"\\n' ;;
  *State.Running*)
    echo look >> "$FOLDER/looks"
    sed -n "$(wc -l < "$FOLDER/looks")p" <<< "$STATES" | grep . || tail -n 1 <<< "$STATES" ;;
  service*) [ "$SERVICE" = there ] ;;
esac
`;
const READY = "true healthy false 0";
const STARTING = "true starting false 0";
const OVER = "false starting false 3";

describe("try.sh", () => {
  let machine: StandIns;
  beforeEach(() => {
    machine = new StandIns({ docker: DOCKER });
  });
  afterEach(() => {
    machine.remove();
  });
  // Memory-backed folders belong to root; a test writes into its own.
  const script = () =>
    scriptOf("web", "container.sh", "try.sh").replace(
      "/run/trivet-container-",
      machine.at("secrets-"),
    );

  interface World {
    states: readonly string[];
    service?: "there" | "absent";
    create?: "ok" | "fails";
    start?: "ok" | "fails";
    command?: readonly string[];
  }
  function run({ states, service = "there", create = "ok", start = "ok", command = [] }: World) {
    const first = ["sha256:app", "10.212.0.1", "10.0.0.1", "net", "false", "1", "DEMO=a b"];
    const own = ["web", "trivet:services.web", "3", "100", "curl it", ...command];
    const env = { STATES: states.join("\n"), SERVICE: service, CREATE: create, START: start };
    const { status, stderr } = machine.run(script(), [...first, ...own], "KEY eA==\n", env);
    const asked = machine.lines("asked");
    return { status, said: stderr, asked };
  }

  it("takes what gets healthy, and removes its container", () => {
    const { status, said, asked } = run({ states: [STARTING, READY], command: ["node", "x y"] });
    assert.deepEqual([status, said], [0, ""]);
    const create = asked.find((line) => line.startsWith("create")) ?? "";
    assert.match(create, /--memory 100m --health-cmd curl it .* --entrypoint node --network net /);
    assert.match(create, /--env DEMO=a b --env KEY_FILE=\/run\/secrets\/KEY sha256:app x y$/);
    assert.equal(asked.at(-1), "rm --force container-1");
  });

  const ending = (reason: string) =>
    `trivet:services.web: ${reason}. Mend it and run again; what ran before runs on.
The end of its log:
  line 1
  line 2
Its last health check:
  "refused"
`;
  const REFUSED: readonly (readonly [string, World, string])[] = [
    ["ends", { states: [OVER] }, "ends with exit code 3 instead of getting healthy"],
    ["never gets healthy", { states: [STARTING] }, "is not healthy within 3 s, its startSeconds"],
    [
      "needs more memory",
      { states: ["false starting true 137"] },
      "needs more than the 100 MiB of its memoryMiB",
    ],
    ["does not start", { states: [OVER], start: "fails" }, "does not start: no such program"],
    [
      "ends each time, where there is no service yet",
      { states: [OVER], service: "absent" },
      "ends with exit code 3 instead of getting healthy",
    ],
  ];
  for (const [title, world, reason] of REFUSED) {
    it(`refuses what ${title}, and removes its container`, () => {
      const { status, said, asked } = run(world);
      assert.deepEqual([status, said], [1, ending(reason)]);
      assert.equal(asked.at(-1), "rm --force container-1");
    });
  }

  it("lets a new service end once: another one may not be there yet", () => {
    const { status, asked } = run({ states: [OVER, READY], service: "absent" });
    assert.equal(status, 0);
    assert.equal(asked.filter((line) => line.startsWith("start")).length, 2);
  });

  it("refuses what cannot be made", () => {
    const { status, said } = run({ states: [], create: "fails" });
    assert.equal(status, 1);
    assert.match(
      said,
      /^trivet:services\.web: its container cannot be made, for the reason above$/m,
    );
  });
});
