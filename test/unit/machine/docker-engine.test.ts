import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import {
  DOCKER_DEFAULTS,
  DockerEngine,
  parseDocker,
  renderRefused,
} from "../../../components/machine/docker-engine";
import { documentedDefaults } from "../support/documented-defaults";
import { problemsOf, valueOf } from "../support/outputs";
import { host, PLATFORM_OUTPUTS } from "../support/platform";
import { Recorder } from "../support/recorder";

const hosts = [host("vm1", 1), host("vm2", 2)];

describe("DockerEngine", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  it("installs on each machine and hands out the version", async () => {
    const { engines } = new DockerEngine("d", { hosts });
    const state = { version: "26.1.5+dfsg1", restartPending: [] };
    assert.deepEqual(await valueOf(engines.vm1), state);
    assert.deepEqual(await valueOf(engines.vm2), state);
    assert.deepEqual(engine.names(), ["d", "d-vm1-docker", "d-vm2-docker"]);
    const args = engine.script("d-vm1-docker").args;
    assert.match(args, /^vm1 25\.0\.0 '28\.2\.0 28\.2\.999 its service names/);
    assert.match(args, /MaxSessions 100'$/);
  });

  it("leaves sshd alone when told so", async () => {
    await valueOf(new DockerEngine("d", { hosts, tuneSshd: false }).engines.vm1);
    assert.match(engine.script("d-vm1-docker").args, /}' ''$/);
  });

  it("waits for what the component is told to wait for", async () => {
    const first = new DockerEngine("first", { hosts });
    await valueOf(new DockerEngine("second", { hosts }, { dependsOn: [first] }).engines.vm1);
    assert.ok(engine.get("second-vm1-docker").dependsOn.includes("first-vm2-docker"));
  });

  it("has the defaults that its documentation names", () => {
    const documented = documentedDefaults("components/machine/docker-engine.ts", "DockerSettings");
    assert.deepEqual(DOCKER_DEFAULTS, documented);
  });

  it("refuses the versions with known faults, each with its reason", () => {
    const instead = "install 28.5, or 26.1.5 from Debian 13";
    assert.deepEqual(renderRefused().split("\n"), [
      `28.2.0 28.2.999 its service names do not resolve in Swarm (moby#50129); ${instead}`,
      `29.0.0 29.1.0 its DNS server for containers fails (moby#51614); ${instead}`,
      `29.1.1 29.7.2 names stay unknown after a short disconnect (moby#53141); ${instead}`,
    ]);
  });

  it("reports all bad arguments at once", () => {
    const bad = {
      logMaxSizeMiB: 0,
      logMaxFiles: 101,
      registryMirrors: ["https://m.example.org", "m.example.org", "https://a:b@m.example.org"],
      insecureRegistries: ["10.0.0.1:5000", "10.0.0.0/8", "http://x"],
      addressPools: [
        { base: "10.0.0.0", size: 24 },
        { base: "10.0.0.0/16", size: 8 },
      ],
    };
    assert.deepEqual(
      problemsOf(() => new DockerEngine("d", { hosts, ...bad })),
      [
        "  - logMaxSizeMiB: is 0, must be a whole number from 1 to 10240",
        "  - logMaxFiles: is 101, must be a whole number from 1 to 100",
        '  - registryMirrors[1]: is "m.example.org", must be like https://mirror.example.org',
        '  - registryMirrors[2]: is "https://a:b@m.example.org", must be like https://mirror.example.org',
        '  - insecureRegistries[2]: is "http://x", must be host:port or a network',
        '  - addressPools[0].base: is "10.0.0.0", must be like 10.214.0.0/16',
        "  - addressPools[1].size: is 8, must be a whole number from 16 to 29",
      ],
    );
    assert.deepEqual(engine.made, []);
  });

  it("tells which keys wait for a restart", () => {
    assert.deepEqual(parseDocker("vm1", '{"version":"28.5.2","restartPending":"debug,log-opts"}'), {
      version: "28.5.2",
      restartPending: ["debug", "log-opts"],
    });
  });

  it("refuses what is not the script's result, and names the machine", () => {
    for (const text of ["", "{}", '{"version":""}', "26.1.5"]) {
      assert.throws(
        () => parseDocker("vm1", text),
        (error) =>
          error instanceof pulumi.RunError && error.message.startsWith("vm1: the installation"),
      );
    }
  });
});
