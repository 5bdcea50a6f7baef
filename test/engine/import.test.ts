import assert from "node:assert/strict";
import { snippetsOf } from "../unit/support/snippets";
import { installPackage, packComponents } from "./support/package";
import { Project } from "./support/project";
import { countsByType, created, parsePreview, type Preview } from "./support/steps";

const HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDOErIp7rMdPhkmz1vMXtbEcRdop+KU+YF9e/SPPCxmm";

/** A database on a Swarm that somebody else made, from components by their own files. */
const shop = (machines: number) => `
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { EtcdCluster } from "trivet/database/etcd-cluster";
import { PatroniCluster } from "trivet/database/patroni-cluster";
import { SshHost } from "trivet/hosts/ssh-host";
import { KernelTuning } from "trivet/machine/kernel-tuning";

const hosts = Array.from({ length: ${machines} }, (_, i) =>
  new SshHost(\`db\${i + 1}\`, {
    address: \`203.0.113.\${i + 1}\`,
    privateAddress: \`192.0.2.\${i + 1}\`,
    hostKey: "${HOST_KEY}",
    identity: { privateKeyPath: "~/.ssh/id_ed25519" },
  }),
);
const kernel = new KernelTuning("kernel", { hosts, sysctls: { "vm.swappiness": "1" } });
const provider = new docker.Provider("elsewhere", { host: "ssh://ops@203.0.113.9" });
const swarm = { provider, network: pulumi.output("shop"), gatewayAddress: "10.0.0.1" };
const image = "registry.example.org/postgres:17";
const etcd = new EtcdCluster("etcd", { hosts, swarm, image }, { dependsOn: kernel });
const orders = new PatroniCluster("orders", { hosts, swarm, etcd, image }, { dependsOn: kernel });
export const password = orders.password;
`;

const MANIFEST = {
  "Pulumi.yaml": `name: shop
runtime: { name: nodejs, options: { typescript: false, nodeargs: --import tsx } }
`,
  "package.json": '{ "name": "shop-platform", "private": true, "main": "index.ts" }\n',
};

/** What the engine remarks besides. */
const remarks = ({ diagnostics }: Preview): string[] => diagnostics.map(({ message }) => message);

describe("components in somebody else's program", () => {
  const projects: Project[] = [];
  let archive: string;
  let remove: () => void;

  before(() => {
    ({ archive, remove } = packComponents());
  });
  after(() => {
    remove();
    for (const project of projects) project.remove();
  });

  async function preview(program: string) {
    const files = { ...MANIFEST, "index.ts": program };
    const project = new Project("dev", files, { SSH_AUTH_SOCK: "/run/ops/agent" });
    projects.push(project);
    await installPackage(archive, project.folder);
    await project.init("config: {}\n");
    return await project.run("preview", "--json");
  }

  it("previews the program of README.md", async () => {
    const programs = snippetsOf("README.md").filter(({ language }) => language === "ts");
    for (const { text } of programs) {
      const said = await preview(text);
      assert.equal(said.code, 0, said.all);
      assert.deepEqual(remarks(parsePreview(said)), []);
      const labels = created(parsePreview(said));
      assert.ok(labels.includes("trivet:database:PatroniCluster postgres"), labels.join("\n"));
    }
  });

  it("previews three machines of a Swarm that is not its own", async () => {
    const said = await preview(shop(3));
    assert.equal(said.code, 0, said.all);
    const plan = parsePreview(said);
    assert.deepEqual(remarks(plan), []);
    assert.deepEqual(countsByType(created(plan)), {
      "command:remote:Command": 19,
      "docker:index/service:Service": 6,
      "pulumi:providers:docker": 1,
      "pulumi:pulumi:Stack": 1,
      "random:index/randomPassword:RandomPassword": 5,
      "tls:index/certRequest:CertRequest": 3,
      "tls:index/locallySignedCert:LocallySignedCert": 3,
      "tls:index/privateKey:PrivateKey": 4,
      "tls:index/selfSignedCert:SelfSignedCert": 1,
      "trivet:database:ClusterCertificates": 1,
      "trivet:database:EtcdCluster": 1,
      "trivet:database:PatroniCluster": 1,
      "trivet:hosts:SshHost": 3,
      "trivet:machine:KernelTuning": 1,
    });
  });

  it("refuses two machines with one message and no stack trace", async () => {
    const said = await preview(shop(2));
    assert.notEqual(said.code, 0);
    assert.match(said.all, /EtcdCluster \\"etcd\\" has invalid arguments:.*hosts: has 2 entries/);
    assert.doesNotMatch(said.all, /(^|\\n)\s+at /m);
  });
});
