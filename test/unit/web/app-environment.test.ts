import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import {
  connectionParts,
  connectionSecrets,
  healthCommand,
  OWNED_VARIABLES,
} from "../../../components/web/app-environment";
import { valueOf } from "../support/outputs";

const backends = {
  database: "shop",
  user: "shopper",
  databasePassword: pulumi.secret("p/w:@ ?"),
  cachePassword: pulumi.secret("c#p"),
  gatewayAddress: "10.212.0.1",
  dependsOn: [],
};

describe("an application's environment", () => {
  it("names the parts, all of them text", () => {
    assert.deepEqual(connectionParts(backends), {
      DATABASE_HOST: "database",
      DATABASE_PORT: "6432",
      DATABASE_DIRECT_PORT: "5000",
      DATABASE_NAME: "shop",
      DATABASE_USER: "shopper",
      REDIS_HOST: "cache",
      REDIS_PORT: "6380",
    });
  });

  it("gives addresses that any library reads back, as secrets", async () => {
    const secrets = connectionSecrets(backends);
    const password = "p%2Fw%3A%40%20%3F";
    const expected = {
      DATABASE_URL: `postgresql://shopper:${password}@database:6432/shop`,
      DATABASE_DIRECT_URL: `postgresql://shopper:${password}@database:5000/shop`,
      DATABASE_READ_URL: `postgresql://shopper:${password}@database:6432/shop_read`,
      DATABASE_PASSWORD: "p/w:@ ?",
      REDIS_URL: "redis://:c%23p@cache:6380/0",
      REDIS_PASSWORD: "c#p",
    };
    assert.deepEqual(Object.keys(secrets), Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(await valueOf(secrets[name]), value);
      assert.equal(await pulumi.isSecret(secrets[name] ?? pulumi.output("")), true, name);
    }
    assert.equal(decodeURIComponent(new URL(expected.DATABASE_URL).password), "p/w:@ ?");
    assert.equal(decodeURIComponent(new URL(expected.REDIS_URL).password), "c#p");
  });

  it("owns every name that it sets", () => {
    const set = [
      ...Object.keys(connectionParts(backends)),
      ...Object.keys(connectionSecrets(backends)),
    ];
    assert.deepEqual([...OWNED_VARIABLES].sort(), set.sort());
  });
});

describe("the health command", () => {
  const path = "/health?deep=1&x=%20";
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "trivet-health-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** Runs it where only `tools` are, which print their arguments. */
  function run(...tools: string[]) {
    for (const tool of tools) {
      writeFileSync(join(folder, tool), `#!/bin/sh\nprintf '%s\\n' ${tool} "$@"\n`);
      chmodSync(join(folder, tool), 0o755);
    }
    const env = { PATH: folder };
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", healthCommand(8000, path)], {
      encoding: "utf8",
      env,
    });
    return { status, lines: stdout.trimEnd().split("\n"), stderr };
  }
  const url = `http://127.0.0.1:8000${path}`;

  it("takes the first tool that the image has", () => {
    assert.deepEqual(run("node").lines.slice(0, 2), ["node", "-e"]);
    assert.deepEqual(run("python3").lines.slice(0, 2), ["python3", "-c"]);
    assert.deepEqual(run("bash").lines.slice(0, 3), ["bash", "--norc", "-c"]);
    assert.deepEqual(run("wget").lines, ["wget", "-q", "-T", "4", "-O", "/dev/null", url]);
    assert.deepEqual(run("curl").lines, ["curl", "-fsS", "-m", "4", "-o", "/dev/null", url]);
  });

  it("hands a program over that asks for the address", () => {
    assert.equal(
      run("python3").lines[2],
      `import urllib.request as r;r.urlopen("${url}",timeout=4)`,
    );
    rmSync(join(folder, "python3"));
    assert.equal(
      run("node").lines[2],
      `fetch("${url}",{signal:AbortSignal.timeout(4000)}).then(r=>{if(!r.ok)throw Error("status "+r.status);process.exit(0)}).catch(e=>{console.error(e.cause?.code??e.message);process.exit(1)})`,
    );
  });

  describe("with bash", () => {
    const server = createServer((request, response) => {
      const status = Number(new URL(request.url ?? "", "http://x").searchParams.get("status"));
      asked = `${request.method ?? ""} ${request.url ?? ""} ${request.headers.host ?? ""}`;
      if (status > 0) response.writeHead(status).end("whatever");
    });
    let asked = "";
    let port = 0;
    before(async () => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      ({ port } = server.address() as AddressInfo);
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    async function ask(status: number, at = port) {
      symlinkSync("/bin/bash", join(folder, "bash"));
      const command = healthCommand(at, `/health?status=${status}`);
      const child = spawn("/bin/sh", ["-c", command], { env: { PATH: folder } });
      let stderr = "";
      child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
      const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
      return { code, stderr };
    }

    for (const status of [200, 204, 302]) {
      it(`takes ${status} for well`, async () => {
        assert.deepEqual(await ask(status), { code: 0, stderr: "" });
        assert.equal(asked, `GET /health?status=${status} 127.0.0.1:${port}`);
      });
    }

    for (const status of [404, 500, 503]) {
      it(`says that it was ${status}`, async () => {
        assert.deepEqual(await ask(status), { code: 1, stderr: `status ${status}\n` });
      });
    }

    it("says that there was no answer, or nobody", async () => {
      assert.deepEqual(await ask(0), { code: 1, stderr: "status none\n" });
      rmSync(join(folder, "bash"));
      const { code, stderr } = await ask(200, 1);
      assert.equal(code, 1);
      assert.match(stderr, /Connection refused/);
    });
  });

  it("fails with what to do where there is no tool", () => {
    const { status, stderr } = run();
    assert.equal(status, 1);
    assert.equal(
      stderr,
      "the image has none of curl, wget, bash, python3 and node to ask for its health: add one of them\n",
    );
  });
});
