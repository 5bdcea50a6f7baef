import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readScript } from "../../../components/core/remote-script";
import { parseObjects, resourceIds } from "../../../components/swarm/leftovers";

const COMPONENT = join(__dirname, "..", "..", "..", "components", "swarm");

/** A docker that has one service, whose containers need three looks to end, and writes down what it is told. */
const DOCKER = `#!/usr/bin/env bash
echo "$*" >> "$LOG"
case "$*" in
  "service ls --quiet --filter label=trivet.owner=beef") echo s1 ;;
  "service inspect --format "*" s1") echo "service s1 web" ;;
  "network ls --quiet --no-trunc --filter label=trivet.owner=beef") echo n1 ;;
  "network inspect --format "*" n1") echo "network n1 trivet" ;;
  "secret ls --quiet --filter label=trivet.owner=beef") printf 'x1\\nx2\\n' ;;
  "secret inspect --format "*" x1 x2") printf 'secret x1 web-A\\nsecret x2 web-B\\n' ;;
  "service ps --quiet --filter desired-state=running s1") ;;
  "service ps --format "*) [ "$(grep -c 'service ps --format' "$LOG")" -gt 2 ] || echo "Running 3 seconds ago" ;;
  "service update --detach --replicas 0 gone" | "service inspect gone" | "service rm gone" | "service ps "*" gone" | \
    "secret inspect gone" | "secret rm gone") echo "Error: no such thing: gone" >&2; exit 1 ;;
  "secret rm used") echo "Error response from daemon: rpc error: code = InvalidArgument desc = secret 'A' is in use by the following service: web" >&2; exit 1 ;;
  "service rm refused") echo "Error: it is refused" >&2; exit 1 ;;
esac
`;

describe("what an interrupted update left", () => {
  const folder = mkdtempSync(join(tmpdir(), "trivet-leftovers-"));
  const log = join(folder, "log");
  before(() => {
    writeFileSync(join(folder, "docker"), DOCKER);
    chmodSync(join(folder, "docker"), 0o755);
  });
  beforeEach(() => {
    writeFileSync(log, "");
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const run = (script: string, ...args: string[]) => {
    const env = { ...process.env, LOG: log, PATH: `${folder}:${process.env.PATH ?? ""}` };
    const words = ["-c", readScript(COMPONENT, script), "it", ...args];
    const { status, stdout, stderr } = spawnSync("bash", words, { encoding: "utf8", env });
    return { status, stdout, stderr, told: readFileSync(log, "utf8").trim().split("\n") };
  };

  it("is listed by the stack's label", () => {
    const { status, stdout, stderr } = run("list-owned.sh", "beef");
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
    assert.deepEqual(parseObjects(stdout), [
      { kind: "service", id: "s1", name: "web" },
      { kind: "network", id: "n1", name: "trivet" },
      { kind: "secret", id: "x1", name: "web-A" },
      { kind: "secret", id: "x2", name: "web-B" },
    ]);
  });

  it("is what no resource of the state is, even if an output names it", () => {
    const resources = [
      { urn: "a", id: "s1" },
      { urn: "b", outputs: { network: "n1" } },
      { urn: "c", id: "x1", delete: true },
    ];
    const ids = resourceIds(JSON.stringify({ version: 3, deployment: { resources } }));
    assert.deepEqual(
      ["s1", "n1", "x1"].map((id) => ids.has(id)),
      [true, false, true],
    );
    assert.equal(resourceIds("{}").size, 0);
  });

  it("is nothing where nothing carries the label", () => {
    const { status, stdout } = run("list-owned.sh", "cafe");
    assert.deepEqual({ status, objects: parseObjects(stdout) }, { status: 0, objects: [] });
  });

  it("goes services first, each after its last container", () => {
    const { status, stderr, told } = run(
      "remove-owned.sh",
      "network:n1",
      "secret:x1",
      "service:s1",
    );
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
    const changes = told.filter((line) => !/^service ps| inspect /.test(line));
    assert.deepEqual(changes, [
      "service update --detach --replicas 0 s1",
      "service rm s1",
      "network rm n1",
      "secret rm x1",
    ]);
    assert.equal(told.filter((line) => line.startsWith("service ps --format")).length, 3);
  });

  it("may be gone already", () => {
    const { status, told } = run("remove-owned.sh", "service:gone", "secret:gone", "secret:x1");
    assert.equal(status, 0);
    assert.equal(told.at(-1), "secret rm x1");
  });

  it("stays where a service uses it, and is told", () => {
    const { status, stdout, told } = run("remove-owned.sh", "secret:used", "secret:x1");
    assert.deepEqual({ status, stdout }, { status: 0, stdout: "secret used\n" });
    assert.equal(told.at(-1), "secret rm x1");
  });

  it("says why when it cannot be removed", () => {
    const { status, stderr } = run("remove-owned.sh", "service:refused");
    assert.deepEqual({ status, stderr }, { status: 1, stderr: "Error: it is refused\n" });
  });
});
