import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as tar from "tar";
import { contextFiles, packContext } from "../../../components/images/context";

describe("a build's context", () => {
  let folder = "";
  let archives = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-context-"));
    archives = join(folder, "..", `${folder.split("/").at(-1) ?? ""}-archives`, "deep");
    put({ Dockerfile: "FROM scratch\n", "app.js": "1\n", "bin/run": "#!/bin/sh\n" });
    chmodSync(join(folder, "bin/run"), 0o755);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    rmSync(dirname(archives), { recursive: true, force: true });
  });

  function put(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
  }
  const pack = (salt?: string) => packContext(folder, archives, "app", salt);

  function entries(archive: string) {
    const found: Record<string, { mode: number | undefined; mtime: number | undefined }> = {};
    tar.list({
      file: archive,
      sync: true,
      onReadEntry: (entry) => {
        found[entry.path] = { mode: entry.mode, mtime: entry.mtime?.getTime() };
      },
    });
    return found;
  }

  it("holds every file, folders' too, sorted", () => {
    assert.deepEqual(contextFiles(folder), ["Dockerfile", "app.js", "bin/run"]);
  });

  it("leaves out what .dockerignore names, and takes back what it excepts", () => {
    const ignored = ["node_modules", "*.log", "!keep.log", "**/*.tmp", ".git", ""].join("\n");
    put({
      ".dockerignore": ignored,
      "a.log": "",
      "keep.log": "",
      "bin/x.tmp": "",
      ".git/HEAD": "",
    });
    put({ "node_modules/a/index.js": "", "bin/b.log": "" });
    assert.deepEqual(contextFiles(folder), [
      ".dockerignore",
      "Dockerfile",
      "app.js",
      "bin/b.log",
      "bin/run",
      "keep.log",
    ]);
  });

  it("keeps the Dockerfile whatever .dockerignore says", () => {
    put({ ".dockerignore": "**\n" });
    assert.deepEqual(contextFiles(folder), ["Dockerfile"]);
    put({ ".dockerignore": "Dockerfile\n.dockerignore\n" });
    assert.deepEqual(contextFiles(folder), ["Dockerfile", "app.js", "bin/run"]);
  });

  it("is the same bytes for the same folder, at any time", () => {
    const first = pack();
    const bytes = readFileSync(first.archive);
    utimesSync(join(folder, "app.js"), new Date(1e12), new Date(1e12));
    const second = pack();
    assert.deepEqual(second, first);
    assert.ok(bytes.equals(readFileSync(second.archive)));
    assert.match(first.hash, /^[0-9a-f]{16}$/);
    assert.equal(first.archive, join(archives, `app-${first.hash}.tar`));
    assert.deepEqual(readdirSync(archives), [`app-${first.hash}.tar`]);
  });

  it("packs what it lists, executables as such, without owner and time", () => {
    const found = entries(pack().archive);
    assert.deepEqual(Object.keys(found), ["Dockerfile", "app.js", "bin/run"]);
    assert.equal((found["bin/run"]?.mode ?? 0) & 0o111, 0o111);
    assert.equal((found["app.js"]?.mode ?? 0) & 0o111, 0);
    assert.deepEqual([...new Set(Object.values(found).map(({ mtime }) => mtime))], [0]);
  });

  const changes: Record<string, () => unknown> = {
    "a content": () => {
      put({ "app.js": "2\n" });
    },
    "a new file": () => {
      put({ "b.js": "" });
    },
    "a new name": () => {
      rmSync(join(folder, "app.js"));
      put({ "app2.js": "1\n" });
    },
    "an executable bit": () => {
      chmodSync(join(folder, "app.js"), 0o755);
    },
  };
  for (const [title, change] of Object.entries(changes)) {
    it(`has another hash with ${title}`, () => {
      const { hash } = pack();
      change();
      assert.notEqual(pack().hash, hash);
    });
  }

  it("has another hash with another salt, and the same without a change that counts", () => {
    const { hash } = pack("a");
    assert.notEqual(pack("b").hash, hash);
    assert.notEqual(pack().hash, hash);
    put({ ".dockerignore": "*.log\n" });
    const ignoring = pack("a").hash;
    put({ "a.log": "x" });
    assert.equal(pack("a").hash, ignoring);
  });

  it("is not confused by contents that move between files", () => {
    put({ "a.js": "12", "b.js": "3" });
    const { hash } = pack();
    put({ "a.js": "1", "b.js": "23" });
    assert.notEqual(pack().hash, hash);
  });

  it("keeps links as links, to folders and to nothing too", () => {
    symlinkSync("bin", join(folder, "tools"));
    symlinkSync("nowhere", join(folder, "broken"));
    assert.deepEqual(contextFiles(folder), ["Dockerfile", "app.js", "bin/run", "broken", "tools"]);
    const { hash, archive } = pack();
    assert.deepEqual(Object.keys(entries(archive)), contextFiles(folder));
    rmSync(join(folder, "broken"));
    symlinkSync("elsewhere", join(folder, "broken"));
    assert.notEqual(pack().hash, hash);
  });

  it("says which folder is not there", () => {
    assert.throws(() => contextFiles(join(folder, "none")), /ENOENT.*none/);
  });
});
