import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SCRIPT = join(__dirname, "..", "..", "..", "components", "backup", "dump.sh");
/** Answers as a machine's programs do; files beside it say what goes wrong. */
const DOCKER = `#!/bin/bash
here=$(dirname "$0")
case "$*" in
  ps*) [ -e "$here/no-container" ] || echo 4711 ;;
  *psql*) echo 1000 ;;
  *pg_dump*) printf 'PGDMP and data'; if [ -e "$here/dump-fails" ]; then printf 'pg_dump: error: the \\\\ "disk"\\tis gone\\n' >&2; exit 1; fi ;;
  *pg_restore*) cat > /dev/null; if [ -e "$here/unreadable" ]; then echo 'pg_restore: error: unexpected end of file' >&2; exit 1; fi ;;
esac
`;
const CURL = `#!/bin/bash
[ "\${*: -1}" = "http://$(cat "$(dirname "$0")/primary")/primary" ]
`;

interface Note {
  file: string | null;
  bytes: number;
  copied: boolean | null;
  error: string | null;
}

describe("dump.sh", () => {
  let root = "";
  const bin = (name: string) => join(root, "bin", name);
  const dumps = () => join(root, "dumps");
  const note = (name: string) =>
    JSON.parse(readFileSync(join(dumps(), `${name}.json`), "utf8")) as Note;
  const stored = () => readdirSync(dumps()).filter((file) => file.endsWith(".dump"));
  const program = (name: string, text: string) => {
    writeFileSync(bin(name), text);
    chmodSync(bin(name), 0o755);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "trivet-dump-"));
    mkdirSync(join(root, "bin"));
    program("docker", DOCKER);
    program("curl", CURL);
    writeFileSync(bin("primary"), "10.0.0.1:8008");
  });
  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  function run(...more: string[]) {
    const settings = [dumps(), "vm1", "postgres-vm1", "app", "14"];
    const words = [SCRIPT, ...settings, "10.0.0.1:8008", "10.0.0.2:8008", "0", ...more];
    const env = { ...process.env, PATH: `${join(root, "bin")}:${process.env.PATH ?? ""}` };
    return spawnSync("bash", words, { encoding: "utf8", env });
  }

  function assertFailed(reason: RegExp): void {
    const { status, stderr } = run();
    assert.equal(status, 1);
    assert.match(stderr, reason);
    assert.match(note("last").error ?? "", reason);
    assert.deepEqual(
      readdirSync(dumps()).filter((file) => file.endsWith(".part")),
      [],
    );
  }

  it("dumps on the primary, for root alone, and notes it", () => {
    const { status, stdout, stderr } = run();
    assert.equal(status, 0, stderr);
    const [file = ""] = stored();
    assert.match(file, /^app-\d{8}T\d{6}Z\.dump$/);
    assert.equal(readFileSync(join(dumps(), file), "utf8"), "PGDMP and data");
    assert.equal(statSync(join(dumps(), file)).mode & 0o777, 0o600);
    assert.equal(statSync(dumps()).mode & 0o777, 0o700);
    assert.equal(stdout, `vm1: dumped app: ${dumps()}/${file}, 14 bytes\n`);
    const { bytes, copied, error } = note("last");
    assert.deepEqual({ bytes, copied, error }, { bytes: 14, copied: null, error: null });
    assert.deepEqual(note("good"), note("last"));
  });

  it("leaves it to the primary on a standby", () => {
    writeFileSync(bin("primary"), "10.0.0.2:8008");
    const { status, stdout } = run();
    assert.equal(status, 0);
    assert.equal(stdout, "vm1: is a standby: the primary, 10.0.0.2:8008, dumps\n");
    assert.equal(existsSync(join(dumps(), "last.json")), false);
  });

  it("fails where nobody is the primary", () => {
    writeFileSync(bin("primary"), "");
    assertFailed(
      /no member of Postgres answers as the primary within 0 s \(asked 10\.0\.0\.1:8008,10\.0\.0\.2:8008\)/,
    );
  });

  it("fails where Postgres does not run", () => {
    writeFileSync(bin("no-container"), "");
    assertFailed(/service postgres-vm1 has no running container/);
  });

  it("fails with what pg_dump says, and keeps what was good", () => {
    run();
    const good = note("good");
    writeFileSync(bin("dump-fails"), "");
    assertFailed(/pg_dump: pg_dump: error: the . .disk.\sis gone/);
    assert.deepEqual(note("good"), good);
    assert.deepEqual(stored(), [good.file]);
  });

  it("fails where the dump cannot be read", () => {
    writeFileSync(bin("unreadable"), "");
    assertFailed(/pg_restore cannot read the dump: pg_restore: error: unexpected end of file/);
    assert.deepEqual(stored(), []);
  });

  it("refuses where the disk is too small for another one", () => {
    mkdirSync(dumps());
    const last = join(dumps(), "app-20290101T023000Z.dump");
    writeFileSync(last, "");
    truncateSync(last, 8 * 1024 ** 4);
    assertFailed(
      /too little disk: \d+ MiB free at .*, 10066330 MiB needed \(the last dump and a fifth more\)/,
    );
  });

  it("removes what is too old, but nothing after a failure, and nothing of others", () => {
    mkdirSync(dumps());
    const files = ["app-20200101T023000Z.dump", "app-20200102T023000Z.dump", "mine.dump"];
    const old = new Date(Date.now() - 15 * 86_400_000);
    for (const file of files) {
      writeFileSync(join(dumps(), file), "x");
      utimesSync(join(dumps(), file), old, old);
    }
    writeFileSync(bin("dump-fails"), "");
    assert.equal(run().status, 1);
    assert.deepEqual(stored().sort(), files);
    rmSync(bin("dump-fails"));
    assert.equal(run().status, 0);
    assert.deepEqual(stored().sort(), [note("good").file, "mine.dump"].sort());
  });

  it("counts a copy that fails as failed, and keeps the dump", () => {
    program(
      "ssh",
      "#!/bin/bash\ncat > /dev/null\necho 'Host key verification failed.' >&2\nexit 255\n",
    );
    const { status, stderr } = run("keeper@192.0.2.9", "22", "/srv/dumps");
    assert.equal(status, 1);
    assert.match(stderr, /copy to keeper@192\.0\.2\.9, port 22: Host key verification failed\./);
    assert.equal(stored().length, 1);
    const { file, copied } = note("good");
    assert.deepEqual({ file, copied }, { file: stored()[0], copied: false });
    assert.match(note("last").error ?? "", /Host key verification failed/);
  });

  it("copies under another name until the checksum is right", () => {
    // Runs what the second machine would.
    program("ssh", `#!/bin/bash\nexec bash -c "\${*: -1}"\n`);
    const there = join(root, "there");
    const { status, stderr } = run("keeper@192.0.2.9", "22", there);
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(there), stored());
    assert.equal(note("good").copied, true);

    program("ssh", `#!/bin/bash\nhead -c 3 | bash -c "\${*: -1}"\n`);
    rmSync(there, { recursive: true });
    assert.match(
      run("keeper@192.0.2.9", "22", there).stderr,
      /the checksum of what arrived differs/,
    );
    assert.deepEqual(readdirSync(there), []);
  });
});
