import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { valueOf } from "../support/outputs";
import { certificateOf, passwordOf } from "../support/platform";
import { HOST_KEY } from "./config/fixture";
import { ONE, Program, THREE } from "./program";

const SSH = (machine: string) =>
  `-F none -o UserKnownHostsFile=.trivet/ssh/test/${machine}/known_hosts -o StrictHostKeyChecking=yes -o ConnectTimeout=15 -o BatchMode=yes -o IdentitiesOnly=yes -i .trivet/ssh/test/${machine}/key-7b2435e441ca`;

describe("the stack's outputs", () => {
  let program: Program;
  beforeEach(() => {
    program = new Program();
  });
  afterEach(() => {
    program.remove();
  });

  it("of one machine say where it answers and how to get in", async () => {
    const outputs = await program.run({ machines: ONE });
    const ssh = SSH("vm1");
    assert.deepEqual(await valueOf(pulumi.output(outputs)), {
      urls: ["https://example.org/", "https://www.example.org/"],
      addresses: ["192.0.2.1"],
      certificate: certificateOf("certificate"),
      machines: {
        vm1: {
          address: "192.0.2.1",
          privateAddress: "10.0.0.1",
          role: "core",
          hostKey: HOST_KEY,
          ssh: `ssh ${ssh} ssh://root@192.0.2.1:22`,
        },
      },
      services: {
        web: {
          port: 8000,
          replicas: 3,
          routes: ["https://example.org/", "https://www.example.org/"],
        },
        api: { port: 9000, replicas: 1, routes: ["https://example.org/api"] },
      },
      database: {
        name: "app",
        user: "app",
        pooledPort: 6432,
        primaryPort: 5000,
        standbyPort: 5001,
        maxConnections: 70,
        poolSize: 20,
      },
      databasePassword: passwordOf("postgres-application"),
      generatedSecrets: { api: {}, web: { SESSION_KEY: "password-of-web-SESSION_KEY" } },
      databaseCommand: `ssh -t ${ssh} ssh://root@192.0.2.1:22 'docker exec -it $(docker ps -qf label=com.docker.swarm.service.name=postgres-vm1) psql -U postgres app'`,
    });
  });

  it("of three name every machine and its role", async () => {
    const { addresses, machines } = await program.run({ machines: THREE });
    assert.deepEqual(await valueOf(pulumi.output(addresses)), [
      "192.0.2.1",
      "192.0.2.2",
      "192.0.2.3",
    ]);
    const found = await valueOf(pulumi.output(machines as Record<string, { role: string }>));
    assert.deepEqual(
      Object.entries(found).map(([name, { role }]) => [name, role]),
      [
        ["vm1", "core"],
        ["vm2", "core"],
        ["vm3", "core"],
        ["app1", "app"],
      ],
    );
  });

  it("hide the passwords and nothing else", async () => {
    const outputs = await program.run({ machines: ONE });
    for (const [name, value] of Object.entries(outputs)) {
      assert.equal(
        await pulumi.isSecret(pulumi.output(value)),
        ["databasePassword", "generatedSecrets"].includes(name),
        name,
      );
    }
  });

  it("put an IPv6 address in brackets", async () => {
    const domains = ["2001:db8::1"];
    const services = { web: { image: "a" } };
    const none = { "services.web": { image: "a" }, "services.api": { image: "a", routes: [] } };
    const { urls } = await program.run({ machines: ONE, domains, services, ...none });
    assert.deepEqual(await valueOf(pulumi.output(urls)), ["https://[2001:db8::1]/"]);
  });
});
