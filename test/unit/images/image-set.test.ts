import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { packContext } from "../../../components/images/context";
import type { ImageSetArgs } from "../../../components/images/image-set";
import { ImageSet } from "../../../components/images/image-set";
import { platformImages } from "../../../components/images/platform-images";
import { documentedDefaults } from "../support/documented-defaults";
import { assertNoLeak } from "../support/leaks";
import { problemsOf, valueOf } from "../support/outputs";
import { awayHost, host, hosts, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

const PASSWORD = "hunter2-of-the-registry";

describe("ImageSet", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  let folder = "";
  beforeEach(async () => {
    await engine.install();
    folder = mkdtempSync(join(tmpdir(), "trivet-images-"));
    mkdirSync(join(folder, "app"));
    writeFileSync(join(folder, "app", "Dockerfile"), "FROM scratch\n");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const base = (count: number) => ({ hosts: hosts(count), archiveFolder: join(folder, "tar") });
  const build = () => ({ app: { build: join(folder, "app"), buildArgs: { A: "x y", B: "" } } });
  const packed = () =>
    packContext(join(folder, "app"), join(folder, "tar"), "app", '{"A":"x y","B":""}');
  const registry = { address: "registry.lan:5000/shop" };
  const secrets = { username: "ci", password: PASSWORD };

  it("builds on the first machine and hands out the identity", async () => {
    const set = new ImageSet("image", { ...base(1), images: build() });
    await engine.settled();
    const { hash, archive } = packed();
    const upload = `/var/tmp/trivet-app-${hash}.tar`;
    assert.deepEqual(engine.names(), ["image", "image-app-vm1", "image-app-vm1-context"]);
    assert.deepEqual(engine.script("image-app-vm1").words, [
      ...["build", `trivet/app:${hash}`, upload, "", "false", "", "", "", "A=x y", "B="],
    ]);
    assert.equal(engine.script("image-app-vm1").data, "\n\n");
    assert.deepEqual(engine.get("image-app-vm1").dependsOn, ["image-app-vm1-context"]);
    const { inputs } = engine.get("image-app-vm1-context");
    assert.equal(inputs.remotePath, upload);
    assert.deepEqual(inputs.triggers, [hash]);
    assert.match(JSON.stringify(inputs.source), new RegExp(basename(archive)));
    assert.equal(await valueOf(set.ids.app), "sha256:of-image-app-vm1");
  });

  it("builds again when the folder changes, and only then", async () => {
    const words = async () => {
      await engine.install();
      new ImageSet("image", { ...base(1), images: build() });
      await engine.settled();
      return engine.script("image-app-vm1").words;
    };
    const first = await words();
    assert.deepEqual(await words(), first);
    writeFileSync(join(folder, "app", "new"), "");
    assert.notDeepEqual(await words(), first);
  });

  it("streams what it built to the other machines", async () => {
    const set = new ImageSet("image", { ...base(3), images: build() });
    await engine.settled();
    assert.deepEqual(engine.namesOf("command:local:Command"), ["image-app-vm2", "image-app-vm3"]);
    const { inputs } = engine.get("image-app-vm3");
    const ssh = (n: number) => `ssh -o BatchMode=yes -p 22 root@203.0.113.${n}`;
    assert.deepEqual(inputs.interpreter, ["/bin/bash", "-o", "pipefail", "-c"]);
    assert.equal(
      inputs.create,
      `set -eu; id=sha256:of-image-app-vm1; if ! ${ssh(3)} docker image inspect "$id" >/dev/null 2>&1; then ${ssh(1)} "docker save $id | gzip -1" | ${ssh(3)} "gunzip | docker load"; fi; ${ssh(3)} docker tag "$id" trivet/app:${packed().hash}`,
    );
    assert.equal(await valueOf(set.ids.app), "sha256:of-image-app-vm1");
  });

  it("builds on the next machine while the first one is away", async () => {
    const [vm1, vm2, vm3] = hosts(3);
    assert.ok(vm1 !== undefined && vm2 !== undefined && vm3 !== undefined);
    const known = [
      "command:remote:Command::image-app-vm1",
      "command:remote:Command::image-nginx-vm1",
    ];
    const list = [awayHost(vm1, ...known), vm2, vm3];
    const images = { ...build(), nginx: { pull: "nginx:1.30" } };
    const { ids } = new ImageSet("image", { ...base(1), hosts: list, images });
    await engine.settled();
    assert.deepEqual(engine.namesOf("command:remote:CopyToRemote"), ["image-app-vm2-context"]);
    assert.equal(engine.addressOf("image-app-vm2"), "203.0.113.2");
    assert.equal(engine.script("image-app-vm2").words[0], "build");
    // Nothing that built there is to be taken for something that streams there.
    assert.equal(engine.get("image-app-vm1").type, "trivet:core:LeftOut");
    assert.deepEqual(engine.namesOf("command:local:Command"), ["image-app-vm3"]);
    assert.match(String(engine.get("image-app-vm3").inputs.create), /203\.0\.113\.2 "docker save /);
    // A pull is the same command wherever it runs: what is known of it stays.
    assert.deepEqual(engine.get("image-nginx-vm1").ignoreChanges, ["*"]);
    assert.equal(await valueOf(ids.app), "sha256:of-image-app-vm2");
    assert.equal(await valueOf(ids.nginx), "sha256:of-image-nginx-vm2");
  });

  it("keeps a stream to a machine that is away", async () => {
    const [vm1, vm2] = hosts(2);
    assert.ok(vm1 !== undefined && vm2 !== undefined);
    const list = [vm1, awayHost(vm2, "command:local:Command::image-app-vm2")];
    new ImageSet("image", { ...base(1), hosts: list, images: build() });
    await engine.settled();
    assert.deepEqual(engine.get("image-app-vm2").ignoreChanges, ["*"]);
    assert.equal(engine.addressOf("image-app-vm1"), "203.0.113.1");
  });

  it("speaks to an IPv6 address and another port", async () => {
    const docker = { host: "ssh://ops@[2001:db8::9]:2222", sshOpts: ["-i", "my key"] };
    const list = [...hosts(1), { ...host("vm9", 9), docker }];
    new ImageSet("image", { ...base(1), hosts: list, images: build() });
    await engine.settled();
    const { create } = engine.get("image-app-vm9").inputs;
    assert.match(String(create), /ssh -i 'my key' -p 2222 ops@2001:db8::9 docker image inspect/);
  });

  it("pulls on every machine by itself, after the first one", async () => {
    const images = { nginx: { pull: "nginx:1.30" } };
    const { ids } = new ImageSet("image", { ...base(3), images });
    await engine.settled();
    assert.deepEqual(engine.namesOf("command:local:Command"), []);
    // The others give it the first one's name for it: one of them may have to stand in.
    for (const [name, alias] of Object.entries({ vm1: "", vm2: "nginx:1.30", vm3: "nginx:1.30" })) {
      const { words } = engine.script(`image-nginx-${name}`);
      assert.deepEqual(words, ["pull", "nginx:1.30", "", "", "false", "", "", alias]);
    }
    assert.deepEqual(engine.get("image-nginx-vm1").dependsOn, []);
    assert.deepEqual(engine.get("image-nginx-vm3").dependsOn, ["image-nginx-vm1"]);
    assert.equal(await valueOf(ids.nginx), "sha256:of-image-nginx-vm1");
  });

  it("shares what it built through a registry that it may push to", async () => {
    const args = { ...base(3), images: build(), registry: { ...registry, push: true } };
    new ImageSet("image", args);
    await engine.settled();
    const { hash } = packed();
    const copy = `registry.lan:5000/shop/app:${hash}`;
    assert.deepEqual(engine.namesOf("command:local:Command"), []);
    for (const [name, alias] of Object.entries({ vm1: "", vm3: `trivet/app:${hash}` })) {
      const { words } = engine.script(`image-app-${name}`);
      assert.deepEqual([...words.slice(3, 5), words[7]], [copy, "true", alias]);
    }
    assert.deepEqual(engine.namesOf("command:remote:CopyToRemote"), ["image-app-vm1-context"]);
  });

  it("streams in spite of a registry that it may not push to", async () => {
    new ImageSet("image", { ...base(3), images: build(), registry });
    await engine.settled();
    assert.deepEqual(engine.namesOf("command:local:Command"), ["image-app-vm2", "image-app-vm3"]);
    assert.equal(engine.script("image-app-vm1").words[4], "false");
  });

  it("tells the registry's password to nobody", async () => {
    const images = { ...build(), nginx: { pull: "nginx:1.30" } };
    const args = { ...base(3), images, registry: { ...registry, ...secrets, push: true } };
    new ImageSet("image", args);
    await engine.settled();
    assert.equal(engine.script("image-app-vm2").data, `ci\n${PASSWORD}\n`);
    assert.equal(engine.script("image-app-vm2").words[5], "registry.lan:5000");
    // nginx comes from elsewhere: the password is not for that registry.
    assert.equal(engine.script("image-nginx-vm1").data, "\n\n");
    assert.equal(engine.script("image-nginx-vm1").words[5], "");
    assertNoLeak(engine.made, [PASSWORD]);
  });

  it("signs in to pull an image of its own registry", async () => {
    const images = { shop: { pull: "registry.lan:5000/shop/web:1" } };
    new ImageSet("image", { ...base(1), images, registry: { ...registry, ...secrets } });
    await engine.settled();
    assert.equal(engine.script("image-shop-vm1").words[5], "registry.lan:5000");
    assert.equal(engine.script("image-shop-vm1").data, `ci\n${PASSWORD}\n`);
  });

  it("gives machines that were there before one image after the other, and new ones theirs at once", async () => {
    const images = { nginx: { pull: "nginx:1.30" }, ...build() };
    const all = hosts(3).map((host, i) => ({ ...host, isNew: i === 1 }));
    new ImageSet("image", { ...base(3), hosts: all, images });
    await engine.settled();
    const needs = (name: string) =>
      engine.get(`image-${name}`).dependsOn.filter((n) => !n.endsWith("-context"));
    assert.deepEqual(needs("nginx-vm1"), []);
    assert.deepEqual(needs("nginx-vm2"), ["image-nginx-vm1"]);
    assert.deepEqual(needs("nginx-vm3"), ["image-nginx-vm1"]);
    assert.deepEqual(needs("app-vm1"), ["image-nginx-vm3"]);
    assert.deepEqual(needs("app-vm2"), ["image-app-vm1"]);
    assert.deepEqual(needs("app-vm3"), ["image-app-vm1"]);
  });

  it("waits for what it is told to wait for", async () => {
    const before = new pulumi.ComponentResource("test:Before", "before");
    const child = new ImageSet(
      "first",
      { ...base(1), images: { a: { pull: "a" } } },
      { parent: before },
    );
    new ImageSet("image", { ...base(3), images: build() }, { dependsOn: [child] });
    await engine.settled();
    for (const name of ["image-app-vm1", "image-app-vm1-context", "image-app-vm3"]) {
      assert.ok(engine.get(name).dependsOn.includes("first-a-vm1"), name);
    }
  });

  it("has the defaults that its documentation names", () => {
    const file = "components/images/image-set.ts";
    const expected = { push: false, archiveFolder: ".trivet/contexts" };
    assert.deepEqual(documentedDefaults(file, "ImageRegistry", "ImageSetArgs"), expected);
  });

  const label = "must be 1 to 63 lower-case letters, digits or hyphens, starting with a letter";
  const pulls = (pull: string) => ({ images: { a: { pull } } });
  const bad: [string, Partial<ImageSetArgs>, ...string[]][] = [
    ["no machine", { hosts: [] }, "hosts: is empty, needs at least one entry"],
    ["a machine twice", { hosts: [...hosts(1), ...hosts(1)] }, "hosts: repeats vm1"],
    ["an odd name", { images: { A_b: { pull: "x" } } }, `images.A_b: is "A_b", ${label}`],
    [
      "a folder without Dockerfile",
      { images: { a: { build: "/none" } } },
      "images.a.build: has no Dockerfile: /none",
    ],
    ["no image", pulls(""), 'images.a.pull: is "", must be an image\'s name'],
    ["an option", pulls("--all-tags"), 'images.a.pull: is "--all-tags", must be an image\'s name'],
    ["two words", pulls("a b"), 'images.a.pull: is "a b", must be an image\'s name'],
    [
      "a scheme",
      { registry: { address: "https://r.lan" } },
      "registry.address: must be host[:port][/path], without a scheme",
    ],
    [
      "a slash at the end",
      { registry: { address: "r.lan/" } },
      "registry.address: must be host[:port][/path], without a scheme",
    ],
    [
      "no address",
      { registry: { address: "" } },
      "registry.address: must be host[:port][/path], without a scheme",
    ],
  ];
  for (const [title, args, ...problems] of bad) {
    it(`refuses ${title}, and makes nothing`, () => {
      assert.deepEqual(
        problemsOf(() => new ImageSet("image", { ...base(1), images: {}, ...args })),
        problems.map((problem) => `  - ${problem}`),
      );
      assert.deepEqual(engine.made, []);
    });
  }
});

describe("the platform's own images", () => {
  it("are built from Debian but for nginx", () => {
    const images = platformImages({ debian: "mirror.lan/debian:13" });
    assert.deepEqual(Object.keys(images), [
      ...["etcd", "postgres", "haproxy", "pgbouncer", "valkey", "nginx"],
    ]);
    assert.deepEqual(images.nginx, { pull: "nginx:1.30" });
    for (const [name, source] of Object.entries(images)) {
      if (name === "nginx") continue;
      assert.ok("build" in source);
      assert.equal(basename(source.build), name);
      assert.deepEqual(source.buildArgs, { DEBIAN: "mirror.lan/debian:13" });
      // So that their services count as started when they are.
      const dockerfile = readFileSync(join(source.build, "Dockerfile"), "utf8");
      assert.match(dockerfile, /^HEALTHCHECK --start-interval=1s CMD /m);
    }
  });

  it("have the defaults that their documentation names", () => {
    const file = "components/images/platform-images.ts";
    const { debian, nginx } = documentedDefaults(file, "PlatformImageArgs");
    const images = platformImages();
    assert.ok("build" in images.etcd);
    assert.deepEqual(images.etcd.buildArgs, { DEBIAN: debian });
    assert.deepEqual(images.nginx, { pull: nginx });
  });
});
