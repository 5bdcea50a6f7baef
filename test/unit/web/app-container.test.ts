import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { healthCommand } from "../../../components/web/app-environment";
import type { AppServiceArgs } from "../../../components/web/app-service";
import { AppService } from "../../../components/web/app-service";
import { host, PLATFORM_OUTPUTS, swarmHandle } from "../support/platform";
import { Recorder } from "../support/recorder";

describe("the application's containers outside of Swarm", () => {
  const engine = new Recorder(PLATFORM_OUTPUTS);
  beforeEach(() => engine.install());

  async function make(args: Partial<AppServiceArgs>) {
    const image = pulumi.output("sha256:app");
    new AppService("web", { swarm: swarmHandle(), manager: host("vm1", 1), image, ...args });
    await engine.settled();
  }

  it("tries a new version out before Swarm hears of it", async () => {
    await make({
      ...{ calledAs: "trivet:services.web", startSeconds: 20, memoryMiB: 100, port: 3000 },
      ...{ env: { DEMO: "a b" }, secrets: { KEY: "x" }, command: ["node", "server.js"] },
    });
    const { words, data } = engine.script("web-try");
    assert.deepEqual(words, [
      ...["sha256:app", "10.212.0.1", "10.212.0.1", "overlay-id", "false", "1", "DEMO=a b"],
      ...["web", "trivet:services.web", "20", "100", healthCommand(3000, "/health")],
      ...["node", "server.js"],
    ]);
    assert.equal(data, "KEY eA==\n");
    assert.deepEqual(
      engine.get("web").dependsOn.filter((name) => name === "web-try"),
      ["web-try"],
    );
  });

  it("tries nothing out where no replica is wanted", async () => {
    await make({ replicas: 0 });
    assert.ok(!engine.names().includes("web-try"));
  });

  it("leaves a template in a variable to the application, not to Swarm", async () => {
    await make({ env: { GREETING: "{{.Name}} {{{x}}" } });
    const { containerSpec } = engine.get("web").inputs.taskSpec as {
      containerSpec: { env: Record<string, string> };
    };
    assert.equal(containerSpec.env.GREETING, '{{"{{"}}.Name}} {{"{{"}}{x}}');
    assert.ok(engine.script("web-try").words.includes("GREETING={{.Name}} {{{x}}"));
  });
});
